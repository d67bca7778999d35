// Rows of numbers in one array made at the start: adding one allocates nothing, and none grow beyond it.

export class Records {
  readonly columns: number;
  readonly limit: number;
  /** Rows kept. */
  length = 0;
  /** Rows that came when there was no room. */
  leftOut = 0;
  private readonly cells: Float64Array;

  constructor(columns: number, limit: number) {
    this.columns = columns;
    this.limit = limit;
    // Pages that nobody writes to cost nothing.
    this.cells = new Float64Array(columns * limit);
  }

  /** The new row's number, or -1 where there was no room. */
  add(...row: readonly number[]): number {
    if (row.length !== this.columns)
      throw new Error(`invariant: a row has ${this.columns} columns`);
    if (this.length === this.limit) {
      this.leftOut++;
      return -1;
    }
    this.cells.set(row, this.length * this.columns);
    return this.length++;
  }

  set(row: number, column: number, value: number): void {
    this.cells[row * this.columns + column] = value;
  }

  get(row: number, column: number): number {
    const value = this.cells[row * this.columns + column];
    if (value === undefined || row >= this.length) throw new Error(`invariant: row ${row} is kept`);
    return value;
  }
}
