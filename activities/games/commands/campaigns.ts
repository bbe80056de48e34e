/** Campaigns of free rounds at providers that have them, and the prepaid offers that both campaigns and orders are made of. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import type { Campaign, CampaignTerms, GameProvider, GameProviders, Prepaid } from '../providers.ts';

const lacking = (): Result<never> =>
  fail('provider-lacks-feature', 'The provider has no campaigns or prepaid offers.');

export async function listPrepaids(
  gameProviders: GameProviders,
  integration: string,
  filter: { readonly game?: string; readonly asset?: string },
): Promise<Result<readonly Prepaid[]>> {
  const provider = await gameProviders.get(integration);
  return provider?.prepaids ? provider.prepaids(filter) : lacking();
}

export async function listCampaigns(
  gameProviders: GameProviders,
  integration: string,
): Promise<Result<readonly Campaign[]>> {
  const provider = await gameProviders.get(integration);
  return provider?.campaigns ? provider.campaigns.list() : lacking();
}

/** `not-found` where the provider does not know it. */
export async function readCampaign(
  gameProviders: GameProviders,
  integration: string,
  campaignId: string,
): Promise<Result<Campaign>> {
  const provider = await gameProviders.get(integration);
  if (!provider?.campaigns) return lacking();
  const campaign = await provider.campaigns.read(campaignId);
  return !campaign.ok && campaign.failure.code === 'transaction-not-found'
    ? fail('not-found', 'The provider does not know this campaign.')
    : campaign;
}

export type CreateCampaign = {
  readonly id: string;
  readonly integration: string;
  readonly brand: string;
  readonly terms: CampaignTerms;
  readonly operatorId: string;
  readonly fingerprint: Buffer;
  readonly reason: string;
};

type Deps = { readonly db: Database; readonly gameProviders: GameProviders };

/**
 * Makes a campaign once: the provider knows no key for it, so a call whose answer was lost is never repeated, and the
 * answer to a repeat is `dependency-unavailable` until somebody has looked at the provider's list.
 */
export async function createCampaign(
  { db, gameProviders }: Deps,
  order: CreateCampaign,
): Promise<Result<{ readonly campaignId: string }>> {
  const provider = await gameProviders.get(order.integration);
  if (!provider?.campaigns) return lacking();
  const claimed = await claim(db, order);
  if (!claimed.ok || claimed.value !== null) return claimed as Result<{ readonly campaignId: string }>;
  return ask(db, order, provider.campaigns);
}

/** Null when the row was made now and the call is ours to make. */
async function claim(
  db: Database,
  order: CreateCampaign,
): Promise<Result<{ readonly campaignId: string } | null>> {
  return db.transaction().execute(async (trx) => {
    const { id, integration, brand, terms, operatorId, fingerprint, reason } = order;
    const made = await trx
      .insertInto('games.freeRoundCampaign')
      .values({
        id,
        integration,
        name: terms.name,
        terms: JSON.stringify(terms),
        state: 'requested',
        fingerprint,
        requestedBy: operatorId,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (!made) return readOutcome(trx, order);
    await appendEvent(
      trx,
      {
        type: 'games.campaign.requested',
        version: 1,
        brand,
        playerId: null,
        payload: { campaignRowId: id, integration, name: terms.name },
      },
      { actor: { kind: 'operator', id: operatorId }, subject: `integration:${integration}`, reason },
    );
    return succeed(null);
  });
}

async function readOutcome(
  trx: Trx,
  { id, fingerprint }: CreateCampaign,
): Promise<Result<{ readonly campaignId: string }>> {
  const row = await trx
    .selectFrom('games.freeRoundCampaign')
    .select(['state', 'campaignId', 'failure', 'fingerprint'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  if (!row.fingerprint.equals(fingerprint))
    return fail('idempotency-key-reused', 'The key was used for another campaign.');
  if (row.campaignId !== null) return succeed({ campaignId: row.campaignId });
  if (row.state === 'refused') return fail('provider-refused', row.failure ?? 'The provider refused.');
  return fail(
    'dependency-unavailable',
    'Whether the provider made the campaign is not known: look at its list before asking with another key.',
  );
}

async function ask(
  db: Database,
  order: CreateCampaign,
  campaigns: NonNullable<GameProvider['campaigns']>,
): Promise<Result<{ readonly campaignId: string }>> {
  const made = await campaigns.create(order.terms);
  const unknown = !made.ok && made.failure.code === 'dependency-unavailable';
  await db.transaction().execute(async (trx) => {
    await trx
      .updateTable('games.freeRoundCampaign')
      .set({
        state: made.ok ? 'created' : unknown ? 'unknown' : 'refused',
        campaignId: made.ok ? made.value.id : null,
        failure: made.ok ? null : made.failure.detail,
      })
      .where('id', '=', order.id)
      .where('state', '=', sql<string>`'requested'`)
      .execute();
    if (!made.ok) return;
    await appendEvent(
      trx,
      {
        type: 'games.campaign.created',
        version: 1,
        brand: order.brand,
        playerId: null,
        payload: {
          campaignRowId: order.id,
          integration: order.integration,
          name: order.terms.name,
          campaignId: made.value.id,
        },
      },
      {
        actor: { kind: 'operator', id: order.operatorId },
        subject: `integration:${order.integration}`,
        reason: order.reason,
      },
    );
  });
  if (made.ok) return succeed({ campaignId: made.value.id });
  return made.failure.code === 'transaction-not-found'
    ? fail('provider-refused', 'The provider does not know this prepaid offer.')
    : made;
}
