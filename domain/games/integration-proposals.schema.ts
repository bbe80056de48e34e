/** What one person proposes about an integration and another one puts into force: a new one, or fields that open something. */
import { z } from 'zod';

const config = {
  operatorId: z.string(),
  subPartnerId: z.string().nullable(),
  baseUrl: z.string(),
  catalogueUrl: z.string().nullable(),
  callerNetworks: z.array(z.string()),
  balanceOnInsufficientFunds: z.boolean(),
  tokensRotate: z.boolean(),
  sharesPersonalData: z.boolean(),
  newGamesEnabled: z.boolean(),
  importEveryH: z.int().nullable(),
  enabled: z.boolean(),
};

const fields = z.strictObject(config).partial();

const creation = z.strictObject({
  kind: z.literal('creation'),
  dialect: z.string(),
  config: z.strictObject(config),
});

const change = z.strictObject({
  kind: z.literal('change'),
  /** What the fields were, so that both people see from what to what. */
  before: fields,
  changes: fields,
});

export const integrationProposalSchema = z.discriminatedUnion('kind', [creation, change]);

export type IntegrationProposal = z.infer<typeof integrationProposalSchema>;
