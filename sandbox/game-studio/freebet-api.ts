/** Hub88's free bets: prepaid packages, rewards made of them for one player, campaigns for many. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { PartyApp } from '../support/party-server.ts';
import { findGame } from './catalogue.ts';
import { exactAnswer, exactBody } from './exact-http.ts';
import { prepaids, type Campaign, type IssuedFreeRounds } from './free-rounds-book.ts';
import type { RsOperatorParts } from './rs-operator-api.ts';

const whole = z.bigint().positive();
const time = z.iso.datetime({ offset: true, local: true });

const listBody = z.object({ game_code: z.string().optional(), currency: z.string().optional() });
const rewardBody = z.object({
  user: z.string().min(4),
  prepaid_uuid: z.string(),
  sub_partner_id: z.string().nullish(),
  reward_uuid: z.uuid().optional(),
  campaign_uuid: z.uuid().nullish(),
  start_time: time.optional(),
  end_time: time.optional(),
  bet_value: whole.nullish(),
  bet_count: whole.nullish(),
});
const cancelBody = z.object({ reward_uuid: z.string() });
const campaignBody = z.object({
  name: z.string().min(1),
  prepaid_uuid: z.string(),
  currency: z.string(),
  bet_value: whole.nullish(),
  bet_count: whole.nullish(),
  start_time: time,
  end_time: time,
});
const infoBody = z.object({ campaign_uuid: z.string() });

const aWeekMs = 7 * 86_400_000;

const statuses = {
  active: 'FRS_ACTIVE',
  claimed: 'FRS_CLAIMED',
  finished: 'FRS_FINISHED',
  cancelled: 'FRS_CANCELLED',
} as const;

const rewardOf = (issued: IssuedFreeRounds) => ({
  reward_uuid: issued.id,
  prepaid_uuid: issued.prepaidId,
  campaign_uuid: issued.campaignId,
  user: issued.user,
  game_id: findGame(issued.gameCode)?.id,
  currency: issued.currency,
  bet_value: issued.betValue,
  bet_count: issued.betCount,
  start_time: issued.startTime,
  end_time: issued.endTime,
  status: statuses[issued.status],
});

const campaignOf = (campaign: Campaign) => ({
  campaign_uuid: campaign.id,
  name: campaign.name,
  prepaid_uuid: campaign.prepaidId,
  currency: campaign.currency,
  bet_value: campaign.betValue,
  bet_count: campaign.betCount,
  start_time: campaign.startTime,
  end_time: campaign.endTime,
});

export function serveFreebets(api: PartyApp, { dialect, freeRounds }: RsOperatorParts): void {
  api.post('/freebet/prepaids/list', async (c) => {
    const body = listBody.safeParse(await exactBody(c));
    if (!body.success) return c.json({ error: 'WRONG_SYNTAX' }, 400);
    const { game_code: game, currency } = body.data;
    return c.json(
      prepaids.filter(
        (prepaid) =>
          (game === undefined || prepaid.game_code === game) &&
          (currency === undefined || prepaid.currency === currency),
      ),
    );
  });

  api.post('/freebet/rewards/create', async (c) => {
    const body = rewardBody.safeParse(await exactBody(c));
    if (!body.success) return c.json({ error: 'WRONG_SYNTAX' }, 400);
    const { data } = body;
    const prepaid = prepaids.find(({ prepaid_uuid: id }) => id === data.prepaid_uuid);
    if (prepaid === undefined) return c.json({ error: 'UNKNOWN_PREPAID' }, 404);
    if (data.campaign_uuid != null && freeRounds.findCampaign(data.campaign_uuid) === undefined)
      return c.json({ error: 'UNKNOWN_CAMPAIGN' }, 404);
    // Value and count may be given where the package leaves them open, and only there.
    const betValue = prepaid.bet_value === null ? data.bet_value : BigInt(prepaid.bet_value);
    const betCount = prepaid.bet_count === null ? data.bet_count : BigInt(prepaid.bet_count);
    const isGivenTwice =
      (prepaid.bet_value !== null && data.bet_value != null) ||
      (prepaid.bet_count !== null && data.bet_count != null);
    if (betValue == null || betCount == null || isGivenTwice) return c.json({ error: 'WRONG_TERMS' }, 400);
    const now = Date.now();
    const issued = freeRounds.issue({
      id: data.reward_uuid ?? randomUUID(),
      dialect,
      user: data.user,
      currency: prepaid.currency,
      gameCode: prepaid.game_code,
      prepaidId: prepaid.prepaid_uuid,
      campaignId: data.campaign_uuid ?? null,
      betValue,
      betCount: Number(betCount),
      startTime: data.start_time ?? new Date(now).toISOString(),
      endTime: data.end_time ?? new Date(now + aWeekMs).toISOString(),
    });
    return exactAnswer(c, rewardOf(issued));
  });

  api.post('/freebet/rewards/cancel', async (c) => {
    const body = cancelBody.safeParse(await exactBody(c));
    if (!body.success) return c.json({ error: 'WRONG_SYNTAX' }, 400);
    const { reward_uuid: id } = body.data;
    if (freeRounds.find(dialect, id) === undefined) return c.json({ error: 'UNKNOWN_REWARD' }, 404);
    if (!freeRounds.cancel(dialect, id)) return c.json({ error: 'REWARD_CLAIMED' }, 400);
    const cancelled = freeRounds.find(dialect, id);
    return exactAnswer(c, cancelled && rewardOf(cancelled));
  });

  api.post('/freebet/campaigns/create', async (c) => {
    const body = campaignBody.safeParse(await exactBody(c));
    if (!body.success) return c.json({ error: 'WRONG_SYNTAX' }, 400);
    const { data } = body;
    const prepaid = prepaids.find(({ prepaid_uuid: id }) => id === data.prepaid_uuid);
    if (prepaid === undefined) return c.json({ error: 'UNKNOWN_PREPAID' }, 404);
    // What is not said is the package's.
    const betValue = data.bet_value ?? prepaid.bet_value;
    const betCount = data.bet_count ?? prepaid.bet_count;
    if (betValue === null || betCount === null) return c.json({ error: 'WRONG_TERMS' }, 400);
    const campaign = freeRounds.startCampaign({
      name: data.name,
      prepaidId: data.prepaid_uuid,
      currency: data.currency,
      betValue: BigInt(betValue),
      betCount: Number(betCount),
      startTime: data.start_time,
      endTime: data.end_time,
    });
    return exactAnswer(c, campaignOf(campaign));
  });

  api.post('/freebet/campaigns/list', (c) => exactAnswer(c, freeRounds.campaigns(500).map(campaignOf)));

  api.post('/freebet/campaigns/info', async (c) => {
    const body = infoBody.safeParse(await exactBody(c));
    const campaign = body.success ? freeRounds.findCampaign(body.data.campaign_uuid) : undefined;
    return campaign === undefined
      ? c.json({ error: 'UNKNOWN_CAMPAIGN' }, 404)
      : exactAnswer(c, campaignOf(campaign));
  });
}
