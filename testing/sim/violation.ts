// What a checker throws: the run ends there, and the verdict names the checker.

/** The rules that a run is judged by; `invariant` is an assertion of the code under test. */
export type Checker =
  | "history"
  | "store"
  | "ends"
  | "outcome"
  | "window"
  | "pins"
  | "wire"
  | "pool"
  | "liveness"
  | "invariant";

export class Violation extends Error {
  readonly checker: Checker;

  constructor(checker: Checker, message: string) {
    super(message);
    this.name = "Violation";
    this.checker = checker;
  }
}
