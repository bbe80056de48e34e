/** Facts about assessments. */
import { z } from 'zod';

export const riskEvents = {
  'risk.assessment.made': z.strictObject({
    subject: z.string(),
    outcome: z.enum(['accept', 'review', 'refuse']),
    reasons: z.array(z.string()),
    ruleVersion: z.string(),
  }),
  'risk.score.given': z.strictObject({ scoreVersion: z.int(), score: z.int(), source: z.string() }),
} as const;
