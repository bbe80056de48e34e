/** A proposal about a provider connection as the back office shows it, and what is said about it. */
import { z } from '@hono/zod-openapi';
import type { IntegrationProposalRow } from '#activities/games/commands/integration-proposals.ts';
import { integrationProposalSchema } from '#domain/games/integration-proposals.schema.ts';
import { timestamp } from '../schemas.ts';
import { reasonText } from './integration-schemas.ts';
import { decisionAbout, proposalStanding } from '../proposal-schemas.ts';

export const proposalOutput = z
  .strictObject({
    id: z.uuid(),
    kind: z.enum(['creation', 'change']),
    integration: z.string(),
    brand: z.string(),
    after: z
      .int()
      .openapi({ description: 'The version that it was proposed about; 0 for a new connection.' }),
    dialect: z.string().nullable().openapi({ description: 'Of a new connection.' }),
    before: z
      .record(z.string(), z.unknown())
      .nullable()
      .openapi({ description: 'What the changed fields are; null for a new connection.' }),
    changes: z.record(z.string(), z.unknown()),
    ...proposalStanding,
    openUntil: timestamp.openapi({ description: 'Afterwards it can only be refused, and proposed anew.' }),
  })
  .openapi('IntegrationProposal');

export const proposalDecision = z
  .strictObject({
    ...decisionAbout('proposal'),
    reason: reasonText,
  })
  .openapi('IntegrationProposalDecision');

export function toApiProposal(row: IntegrationProposalRow): z.infer<typeof proposalOutput> {
  const content = integrationProposalSchema.parse(row.content);
  return {
    id: row.id,
    kind: content.kind,
    integration: row.integration,
    brand: row.brand,
    after: row.after,
    dialect: content.kind === 'creation' ? content.dialect : null,
    before: content.kind === 'creation' ? null : content.before,
    changes: content.kind === 'creation' ? content.config : content.changes,
    payloadHash: row.payloadHash.toString('hex'),
    state: proposalOutput.shape.state.parse(row.state),
    author: row.author,
    reason: row.reason,
    proposedAt: row.proposedAt.toISOString(),
    decidedBy: row.decidedBy,
    decisionReason: row.decisionReason,
    decidedAt: row.decidedAt?.toISOString() ?? null,
    openUntil: row.openUntil.toISOString(),
  };
}
