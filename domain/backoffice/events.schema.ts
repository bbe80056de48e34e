/** Facts about operators, and about the rules that they draft, publish and put to use. */
import { z } from 'zod';

const ruleVersion = {
  versionId: z.uuid(),
  ruleSet: z.string(),
  version: z.int(),
  /** Hex SHA-256 of the content, which the version's row keeps for ever. */
  contentHash: z.string(),
};
/** Null where nothing was live before. */
const replacedVersion = { ...ruleVersion, replaced: z.int().nullable() };
/** The second look at a roll-back; `versionId` is what was rolled back to. */
const ruleReview = { reviewId: z.uuid(), versionId: z.uuid(), ruleSet: z.string() };

export const backofficeEvents = {
  'backoffice.operator.signed-in': z.strictObject({ operatorId: z.uuid() }),
  'backoffice.operator.signed-out': z.strictObject({ operatorId: z.uuid() }),
  'backoffice.sign-in.refused': z.strictObject({ operatorId: z.uuid().nullable() }),
  'backoffice.rules.drafted': z.strictObject(ruleVersion),
  'backoffice.rules.simulated': z.strictObject({
    ...ruleVersion,
    decisions: z.int(),
    changed: z.int(),
  }),
  'backoffice.rules.discarded': z.strictObject(ruleVersion),
  'backoffice.rules.published': z.strictObject(ruleVersion),
  'backoffice.rules.shadowed': z.strictObject(ruleVersion),
  'backoffice.rules.activated': z.strictObject(replacedVersion),
  'backoffice.rules.rolled-back': z.strictObject(replacedVersion),
  'backoffice.rules.retired': z.strictObject(ruleVersion),
  'backoffice.rule-review.assigned': z.strictObject({ ...ruleReview, ownerId: z.uuid() }),
  'backoffice.rule-review.closed': z.strictObject({
    ...ruleReview,
    outcome: z.enum(['confirmed', 'replaced']),
  }),
} as const;
