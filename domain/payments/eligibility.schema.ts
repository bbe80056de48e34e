/** What a rule of eligibility decides about a method: open, closed, or open once the player is verified. */
import { z } from 'zod';
import { decisionSchema } from '../rules/decision.schema.ts';
import { offers } from './eligibility.ts';

const eligibilityOutcomeSchema = z.strictObject({ offer: z.enum(offers) });

export const eligibilityDecisionSchema = decisionSchema(eligibilityOutcomeSchema).refine(
  ({ otherwise }) => otherwise !== null,
  { path: ['otherwise'], message: 'must say what holds where no row does' },
);
