/** One number that theory and simulation both give. */
export interface Figure {
  /** `pplns.hopper`, `prop.variance.slice`, …: stable, for programs. */
  readonly name: string;
  readonly text: string;
  /** How `theory` is computed. */
  readonly formula: string;
  readonly theory: number;
  readonly measured: number;
  /** How far apart the two may be, in the same unit. */
  readonly tolerance: number;
}

export function holds({ theory, measured, tolerance }: Figure): boolean {
  return Math.abs(measured - theory) <= tolerance;
}
