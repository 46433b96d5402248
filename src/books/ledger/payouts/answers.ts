import type { Payouts, Refused } from './payouts.ts';
import { shownInFull, shownPlan, shownRun } from './shown.ts';

/** What a command asks: `run` and so on, with what it needs. */
export interface PayoutQuestion {
  readonly verb: string;
  /** An id, a txid, an account, or a signed transaction; empty if the verb needs none. */
  readonly argument: string;
}

export interface PayoutAnswer {
  /** 200, 400 for what can not be asked, 409 for what can not be done now. */
  readonly status: 200 | 400 | 409;
  /** JSON; `{"error": …}` unless the status is 200. */
  readonly body: string;
}

/** Answers one command on the ledger of the process that may write it. */
export async function answerPayout({ verb, argument }: PayoutQuestion, payouts: Payouts): Promise<PayoutAnswer> {
  switch (verb) {
    case 'plan':
      return fine(shownPlan(await payouts.plan(), payouts.alarm));
    case 'run':
      return fine(shownRun(await payouts.run()));
    case 'export':
      return told(await payouts.exportPsbt(argument));
    case 'import':
      return told(await payouts.importSigned(argument));
    case 'cancel':
      return told(await payouts.cancel(argument));
    case 'accept': {
      const accepted = await payouts.accept(argument);
      return 'error' in accepted ? told(accepted) : fine({ txid: argument, sats: String(accepted.sats) });
    }
    case 'adopt': {
      const adopted = await payouts.adopt(argument);
      return 'error' in adopted ? told(adopted) : fine(shownInFull(adopted.batch));
    }
    case 'retry':
      return told(payouts.retry(argument) ? { account: argument } : { error: `${argument} is not set aside` });
    default:
      return { status: 400, body: JSON.stringify({ error: 'there is no such command' }) };
  }
}

function fine(value: object): PayoutAnswer {
  return { status: 200, body: JSON.stringify(value) };
}

function told(value: object | Refused): PayoutAnswer {
  return { status: 'error' in value ? 409 : 200, body: JSON.stringify(value) };
}
