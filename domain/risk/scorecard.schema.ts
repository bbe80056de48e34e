/** What may stand in a scorecard: points per row, and in its default where everybody begins and where the bands do. */
import { z } from 'zod';
import { decisionSchema, type Decision } from '../rules/decision.schema.ts';
import { scoreMax, type ScorePoints } from './scorecard.ts';

const points = z.int().min(-scoreMax).max(scoreMax);
const threshold = z.int().min(1).max(scoreMax);

export const scorePointsSchema: z.ZodType<ScorePoints> = z.strictObject({
  points,
  reviewFrom: threshold.optional(),
  refuseFrom: threshold.optional(),
});

export const scorecardSchema = decisionSchema(scorePointsSchema);

/** What the form alone cannot say; null when all is well. */
export function scorecardProblem(
  decision: Decision<ScorePoints>,
): { readonly pointer: string; readonly detail: string } | null {
  if (decision.hitPolicy !== 'collect')
    return { pointer: '/hitPolicy', detail: 'A scorecard adds up all rows that hold: "collect".' };
  const { otherwise } = decision;
  if (otherwise?.reviewFrom === undefined || otherwise.refuseFrom === undefined)
    return { pointer: '/otherwise', detail: 'Must say from where payments are reviewed and refused.' };
  if (otherwise.points < 0 || otherwise.points >= otherwise.reviewFrom)
    return {
      pointer: '/otherwise/points',
      detail: 'Must be from 0 to below reviewFrom: nobody begins suspect.',
    };
  if (otherwise.reviewFrom >= otherwise.refuseFrom)
    return { pointer: '/otherwise/refuseFrom', detail: 'Must lie above reviewFrom.' };
  const [name, rows] =
    decision.form === 'rules' ? (['rules', decision.rules] as const) : (['rows', decision.rows] as const);
  const banded = rows.findIndex(
    ({ outcome }) => outcome.reviewFrom !== undefined || outcome.refuseFrom !== undefined,
  );
  return banded < 0
    ? null
    : { pointer: `/${name}/${banded}/outcome`, detail: 'Bands stand in the default, for all rows alike.' };
}
