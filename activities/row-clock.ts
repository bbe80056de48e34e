/** What a workflow that follows a row learns from it, in every module whose rows have a clock. */
export type RowClock = {
  readonly state: string;
  /** Whether the row needs a clock any more. */
  readonly over: boolean;
  /** When to ask again; null only after a poke. */
  readonly remainingMs: number | null;
};
