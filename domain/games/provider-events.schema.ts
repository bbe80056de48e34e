/** Facts about integrations, their keys, catalogues and free rounds. Keys appear by fingerprint, never by content. */
import { z } from 'zod';

const integration = z.string();
const credential = {
  integration,
  credentialId: z.uuid(),
  kind: z.enum(['rsa-public', 'rsa-private', 'hmac-secret']),
  fingerprint: z.string(),
};
const freeRounds = { freeRoundsId: z.uuid(), integration, playerId: z.uuid() };
const campaign = { campaignRowId: z.uuid(), integration, name: z.string() };
const count = z.int().min(0);

/** `after` is the version that it is about, 0 for a new integration. */
const integrationChange = {
  proposalId: z.uuid(),
  integration,
  after: z.int().min(0),
  fields: z.array(z.string()),
};

export const gamesProviderEvents = {
  'games.integration.created': z.strictObject({ integration, dialect: z.string(), version: z.int() }),
  'games.integration.changed': z.strictObject({
    integration,
    version: z.int(),
    fields: z.array(z.string()),
  }),
  'games.integration-change.proposed': z.strictObject(integrationChange),
  'games.integration-change.approved': z.strictObject(integrationChange),
  'games.integration-change.refused': z.strictObject(integrationChange),
  'games.credential.proposed': z.strictObject(credential),
  'games.credential.activated': z.strictObject(credential),
  'games.credential.refused': z.strictObject(credential),
  'games.credential.limited': z.strictObject({
    ...credential,
    validUntil: z.iso.datetime().nullable(),
    signsFrom: z.iso.datetime().nullable(),
  }),
  'games.credential.retired': z.strictObject(credential),
  'games.game.changed': z.strictObject({ integration, game: z.string(), fields: z.array(z.string()) }),
  'games.catalogue-import.requested': z.strictObject({ importId: z.uuid(), integration }),
  'games.catalogue-import.ended': z.strictObject({
    importId: z.uuid(),
    integration,
    outcome: z.enum(['done', 'refused', 'failed']),
    added: count,
    changed: count,
    withdrawn: count,
    returned: count,
  }),
  'games.free-rounds.requested': z.strictObject({
    ...freeRounds,
    games: z.array(z.string()),
    count: z.int().min(1),
    validUntil: z.iso.datetime(),
  }),
  'games.free-rounds.issued': z.strictObject(freeRounds),
  'games.free-rounds.refused': z.strictObject({ ...freeRounds, reason: z.string() }),
  'games.free-rounds.cancel-requested': z.strictObject(freeRounds),
  'games.free-rounds.cancelled': z.strictObject(freeRounds),
  'games.free-rounds.cancel-refused': z.strictObject({ ...freeRounds, reason: z.string() }),
  'games.free-rounds.ended': z.strictObject(freeRounds),
  'games.campaign.requested': z.strictObject(campaign),
  'games.campaign.created': z.strictObject({ ...campaign, campaignId: z.string() }),
} as const;
