import { z } from 'zod';
import type { BlockHead, KeptCandidate } from './candidate.ts';

const line = z.object({
  hash: z.string(),
  height: z.number(),
  jobId: z.string(),
  account: z.string(),
  rig: z.string(),
  rewardSats: z.string().transform(BigInt),
  networkDifficulty: z.number(),
  shareDifficulty: z.number(),
  foundMs: z.number(),
  inputs: z
    .object({
      variant: z.number(),
      extranonce1: z.string(),
      extranonce2: z.string(),
      ntime: z.number(),
      nonce: z.number(),
      version: z.number(),
      coinb2: z.string().optional(),
    })
    .optional(),
  block: z
    .string()
    .regex(/^([0-9a-f]{2})+$/)
    .transform((hex) => new Uint8Array(Buffer.from(hex, 'hex')))
    .optional(),
});

/** A candidate as one line of JSON. Without `block` it names the block and has no bytes to submit. */
export function writeCandidate(head: BlockHead, block?: Uint8Array): string {
  const hex = block && Buffer.from(block).toString('hex');
  return JSON.stringify({ ...head, rewardSats: String(head.rewardSats), block: hex });
}

/** A candidate as `writeCandidate` wrote it. Throws for any other text. */
export function parseCandidate(text: string): KeptCandidate {
  return line.parse(JSON.parse(text));
}
