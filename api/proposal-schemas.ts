/** What every proposal says that another person decides about, and how it is decided. */
import { z } from '@hono/zod-openapi';
import { timestamp } from './schemas.ts';

/** Who proposed it and what became of it. */
export const proposalStanding = {
  payloadHash: z.string(),
  state: z.enum(['proposed', 'applied', 'refused']),
  author: z.string(),
  reason: z.string(),
  proposedAt: timestamp,
  decidedBy: z.string().nullable(),
  decisionReason: z.string().nullable(),
  decidedAt: timestamp.nullable(),
};

/** A decision is bound to what the person was shown of `what`; its reason is the caller's. */
export const decisionAbout = (what: string) => ({
  decision: z.enum(['apply', 'refuse']),
  payloadHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .openapi({ description: `Of the ${what} as it was shown.` }),
});
