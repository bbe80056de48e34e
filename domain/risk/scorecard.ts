/**
 * The fraud score of a payment: points of every row of a scorecard that holds, on a scale from 0 to 1000. The scorecard is
 * a decision of the one rule engine, so it lives, is tried out and is rolled back as every other rule set.
 */
import { decide, type CompiledDecision, type TraceStep } from '../rules/decide.ts';
import type { Facts } from '../rules/rule-types.ts';

/** What a row of a scorecard says. Bands stand in the default alone, which everybody begins with. */
export type ScorePoints = {
  readonly points: number;
  readonly reviewFrom?: number | undefined;
  readonly refuseFrom?: number | undefined;
};

export const scoreMax = 1_000;

export const scoreBands = ['accept', 'review', 'refuse'] as const;
export type ScoreBand = (typeof scoreBands)[number];

export type Score = {
  /** 0 is harmless, 1000 is fraud for certain. */
  readonly score: number;
  readonly band: ScoreBand;
  /** The rows that held, with what each gave or took; without the start that everybody has. */
  readonly points: readonly { readonly row: string; readonly points: number }[];
  readonly trace: readonly TraceStep[];
};

/** The same scorecard and facts give the same score in every replay. */
export function scoreBy(scorecard: CompiledDecision<ScorePoints>, facts: Facts): Score {
  const { outcomes, rows, trace } = decide(scorecard, facts);
  const points = rows.map((row, index) => ({ row, points: outcomes[index]?.points ?? 0 }));
  const sum = points.reduce((total, one) => total + one.points, scorecard.otherwise?.points ?? 0);
  const score = Math.min(scoreMax, Math.max(0, sum));
  return { score, band: bandOf(scorecard, score), points, trace };
}

/** Where a score lies, also one that somebody else gave. */
export function bandOf(
  { otherwise }: Pick<CompiledDecision<ScorePoints>, 'otherwise'>,
  score: number,
): ScoreBand {
  if (score >= (otherwise?.refuseFrom ?? scoreMax + 1)) return 'refuse';
  return score >= (otherwise?.reviewFrom ?? scoreMax + 1) ? 'review' : 'accept';
}
