/** Called now and then: what is simulated, and how much of it is done, from 0 to 1. */
export type Progress = (what: string, done: number) => void;
