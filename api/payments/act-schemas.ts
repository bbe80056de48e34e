/** A proposed act as the back office shows it: what would change, who wishes it, and what another person decided. */
import { z } from '@hono/zod-openapi';
import type { ActProposalRow } from '#activities/payments/commands/act-proposals.ts';
import { actKinds, actOfTwoSchema } from '#domain/payments/acts-of-two.schema.ts';
import { proposalStanding } from '../proposal-schemas.ts';

export const actKind = z.enum(actKinds);

export const actOutput = z
  .strictObject({
    actId: z.uuid(),
    kind: actKind,
    brand: z.string(),
    subject: z
      .string()
      .openapi({ description: 'The name of a rule, the id of an entry, or the brand of terms.' }),
    content: z.record(z.string(), z.unknown()).openapi({
      description:
        'What would be written; amounts in units at ledger scale, values of lists as they are shown.',
    }),
    ...proposalStanding,
  })
  .openapi('PaymentActProposal');

/** Kinds of list values of which only a keyed hash is kept, which is shown to nobody. */
export const hashedKinds: ReadonlySet<string> = new Set(['iban', 'email', 'crypto-address']);

export function toApiAct(row: ActProposalRow): z.infer<typeof actOutput> {
  const act = actOfTwoSchema.parse(row.content);
  const { kind, ...content } = act;
  return {
    actId: row.id,
    kind,
    brand: row.brand,
    subject: row.subject,
    content: act.kind === 'white-entry' && hashedKinds.has(act.of) ? { ...content, key: null } : content,
    payloadHash: row.payloadHash.toString('hex'),
    state: actOutput.shape.state.parse(row.state),
    author: row.author,
    reason: row.reason,
    proposedAt: row.proposedAt.toISOString(),
    decidedBy: row.decidedBy,
    decisionReason: row.decisionReason,
    decidedAt: row.decidedAt?.toISOString() ?? null,
  };
}
