/** What a journal of a round does to the round's sums, by its code; a code that is not named here does nothing to them. */
export type RoundMove = 'stake' | 'win' | 'undo' | 'none';

const moves: Readonly<Record<string, RoundMove>> = {
  'bet.place': 'stake',
  'bet.win': 'win',
  'bet.rollback': 'undo',
  'free.win': 'win',
  'free.rollback': 'undo',
};

/** `undo` takes back what the journal that it reverses did. */
export const roundMoveOf = (code: string): RoundMove =>
  Object.hasOwn(moves, code) ? (moves[code] ?? 'none') : 'none';
