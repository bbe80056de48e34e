/** Free bets of Hub88: prepaid offers, rewards made of them, and campaigns. */
import { z } from 'zod';
import { fail, orThrow, succeed, type Result } from '#domain/failures.ts';
import { hub88Scale } from '#domain/games/hub88.ts';
import { formatDecimal, parseDecimal } from '#domain/money.ts';
import type { OperatorCall } from './hub88-adapter.ts';
import type { ProviderAccess } from './provider-access.ts';
import { readAnswer, refusedIfUnknown, shortText } from './provider-call.ts';
import type { Campaign, CampaignTerms, FreeRoundsOrder, GameProvider, Prepaid } from './providers.ts';

const wireAmount = z.union([z.int().min(0), z.string().regex(/^\d{1,19}$/)]).transform(String);
const count = z.int().min(1).max(100_000);

const prepaidsAnswer = z
  .array(
    z.object({
      prepaid_uuid: shortText,
      game_code: shortText.nullish(),
      currency: z.string().min(1).max(10),
      bet_value: wireAmount.nullish(),
      bet_count: count.nullish(),
    }),
  )
  .max(5_000);

const rewardAnswer = z.object({ reward_uuid: shortText, status: shortText.nullish() });

const campaign = z.object({
  campaign_uuid: shortText,
  name: shortText,
  prepaid_uuid: shortText,
  currency: z.string().min(1).max(10),
  bet_value: wireAmount.nullish(),
  bet_count: count.nullish(),
  start_time: shortText,
  end_time: shortText,
  status: shortText.nullish(),
});

type Capability = Required<
  Pick<GameProvider, 'prepaids' | 'choosePrepaid' | 'issueFreeRounds' | 'cancelFreeRounds' | 'campaigns'>
>;

export function hub88FreeRounds(access: ProviderAccess, call: OperatorCall): Capability {
  const operator = { operator_id: access.operatorId };
  const prepaids: Capability['prepaids'] = async ({ game, asset }) => {
    const answer = await call('freebet/prepaids/list', {
      ...operator,
      ...(game === undefined ? {} : { game_code: game }),
      ...(asset === undefined ? {} : { currency: asset }),
    });
    if (!answer.ok) return refusedIfUnknown(answer);
    const list = readAnswer(prepaidsAnswer, answer.value);
    return list.ok ? succeed(list.value.map(toPrepaid)) : list;
  };
  return {
    prepaids,
    choosePrepaid: (order) => choosePrepaid(order, prepaids),
    async issueFreeRounds(order) {
      const { prepaid } = order;
      if (!prepaid)
        return fail('provider-refused', 'A reward is made of a prepaid offer, and none was chosen.');
      const answer = await call('freebet/rewards/create', {
        ...operator,
        ...(access.subPartnerId === null ? {} : { sub_partner_id: access.subPartnerId }),
        user: order.player.playerId,
        prepaid_uuid: prepaid.id,
        reward_uuid: order.issueId,
        ...(order.campaignId === null ? {} : { campaign_uuid: order.campaignId }),
        end_time: order.validUntil,
        ...(prepaid.betValue === null && order.betValue !== null
          ? { bet_value: toWire(order.betValue) }
          : {}),
        ...(prepaid.count === null ? { bet_count: order.count } : {}),
      });
      if (!answer.ok) return answer;
      const reward = readAnswer(rewardAnswer, answer.value);
      if (!reward.ok) return reward;
      return reward.value.reward_uuid === order.issueId
        ? succeed(undefined)
        : fail('dependency-unavailable', 'The provider answered about another reward.');
    },
    async cancelFreeRounds({ issueId }) {
      const answer = await call('freebet/rewards/cancel', { ...operator, reward_uuid: issueId });
      return answer.ok ? succeed(undefined) : answer;
    },
    campaigns: campaignsOf(operator, call),
  };
}

function campaignsOf(operator: object, call: OperatorCall): Capability['campaigns'] {
  return {
    async create(terms) {
      const answer = await call('freebet/campaigns/create', {
        ...operator,
        name: terms.name,
        prepaid_uuid: terms.prepaidId,
        currency: terms.asset,
        ...(terms.betValue === null ? {} : { bet_value: toWire(terms.betValue) }),
        ...(terms.count === null ? {} : { bet_count: terms.count }),
        start_time: terms.startsAt,
        end_time: terms.endsAt,
      });
      return answer.ok ? toCampaign(readAnswer(campaign, answer.value)) : answer;
    },
    async list() {
      const answer = await call('freebet/campaigns/list', operator);
      if (!answer.ok) return refusedIfUnknown(answer);
      const list = readAnswer(z.array(campaign).max(5_000), answer.value);
      return list.ok ? succeed(list.value.map(fromWireCampaign)) : list;
    },
    async read(campaignId) {
      const answer = await call('freebet/campaigns/info', { ...operator, campaign_uuid: campaignId });
      return answer.ok ? toCampaign(readAnswer(campaign, answer.value)) : answer;
    },
  };
}

/**
 * The prepaid that the operator named, or the first that fits game, currency, value and count: what it leaves open we
 * may choose, what it fixes has to be what was promised to the player.
 */
async function choosePrepaid(
  order: FreeRoundsOrder,
  prepaids: Capability['prepaids'],
): Promise<Result<Prepaid>> {
  const [game] = order.games;
  const offered = await prepaids({ ...(game === undefined ? {} : { game }), asset: order.player.asset });
  if (!offered.ok) return offered;
  const fits = offered.value.find(
    (prepaid) =>
      (order.prepaidId === null || prepaid.id === order.prepaidId) &&
      prepaid.asset === order.player.asset &&
      (prepaid.game === null || prepaid.game === game) &&
      (prepaid.betValue === null ? order.betValue !== null : isSame(prepaid.betValue, order.betValue)) &&
      (prepaid.count === null || prepaid.count === order.count),
  );
  return fits
    ? succeed(fits)
    : fail('provider-refused', 'The provider has no prepaid offer of this game, currency, value and count.');
}

const isSame = (a: string, b: string | null): boolean => b === null || toWire(a) === toWire(b);

/** Written as a JSON integer, however large. */
const toWire = (decimal: string): bigint => orThrow(parseDecimal(decimal, hub88Scale));

const fromWire = (amount: string): string => formatDecimal(BigInt(amount), hub88Scale, 2);

const toPrepaid = (item: z.infer<typeof prepaidsAnswer>[number]): Prepaid => ({
  id: item.prepaid_uuid,
  game: item.game_code ?? null,
  asset: item.currency,
  betValue: typeof item.bet_value === 'string' ? fromWire(item.bet_value) : null,
  count: item.bet_count ?? null,
});

const toCampaign = (answer: Result<z.infer<typeof campaign>>): Result<Campaign> =>
  answer.ok ? succeed(fromWireCampaign(answer.value)) : answer;

const fromWireCampaign = (item: z.infer<typeof campaign>): Campaign & CampaignTerms => ({
  id: item.campaign_uuid,
  name: item.name,
  prepaidId: item.prepaid_uuid,
  asset: item.currency,
  betValue: typeof item.bet_value === 'string' ? fromWire(item.bet_value) : null,
  count: item.bet_count ?? null,
  startsAt: item.start_time,
  endsAt: item.end_time,
  status: item.status ?? null,
});
