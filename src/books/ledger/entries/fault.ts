/** Something that is wrong with the books. */
export interface Fault {
  /** Which invariant does not hold, such as `entry-hash`. */
  readonly invariant: string;
  /** Where, in words with the numbers. */
  readonly detail: string;
}
