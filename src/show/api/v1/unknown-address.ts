import { problem } from '../problem.ts';
import { OtherAnswer } from './endpoint.ts';

/** What is no address of the pool's network. */
export function unknownAddress(): OtherAnswer {
  return new OtherAnswer(problem('400 Bad Request', 'this is no address that can be paid'));
}
