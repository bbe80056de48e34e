/** Free rounds that operators have issued: prepaid packages, campaigns, and what has become of each issue. */
import { createHash, randomUUID } from 'node:crypto';
import type { StateStore } from '../support/state-store.ts';
import { games } from './catalogue.ts';
import type { DialectName } from './wallet-wire.ts';

export const freeRoundTables = `
create table if not exists free_rounds (
  id text not null, dialect text not null, user text not null, currency text not null, game_code text not null, prepaid_id text,
  campaign_id text, bet_value text not null, bet_count integer not null, played integer not null default 0, won text not null default '0',
  start_time text not null, end_time text not null, status text not null, created_at_ms integer not null,
  primary key (dialect, id));
create table if not exists campaign (
  id text primary key, name text not null, prepaid_id text not null, currency text not null, bet_value text not null,
  bet_count integer not null, start_time text not null, end_time text not null, created_at_ms integer not null);
`;

/** active: to be played; claimed: begun, so that it cannot be cancelled any more. */
export type FreeRoundsStatus = 'active' | 'claimed' | 'finished' | 'cancelled';

export interface FreeRounds {
  /** The operator's own id of it. */
  id: string;
  dialect: DialectName;
  user: string;
  currency: string;
  gameCode: string;
  prepaidId: string | null;
  campaignId: string | null;
  /** In the wire's smallest unit. */
  betValue: bigint;
  betCount: number;
  startTime: string;
  endTime: string;
}
export interface IssuedFreeRounds extends FreeRounds {
  played: number;
  won: bigint;
  status: FreeRoundsStatus;
}

export interface Prepaid {
  prepaid_uuid: string;
  game_id: number;
  game_code: string;
  currency: string;
  /** Null: whoever issues it says how much, and how often. */
  bet_value: number | null;
  bet_count: number | null;
}

/** Named by what they hold, so that they are the same after every start. */
const uuidOf = (text: string) => {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

export const prepaids: readonly Prepaid[] = games.flatMap((game) =>
  ['EUR', 'USD', 'GBP', 'SEK'].flatMap((currency) =>
    [
      { bet_value: 100_000, bet_count: 10 },
      { bet_value: null, bet_count: null },
    ].map((terms) => ({
      prepaid_uuid: uuidOf(`${game.code} ${currency} ${terms.bet_count}`),
      game_id: game.id,
      game_code: game.code,
      currency,
      ...terms,
    })),
  ),
);

export interface Campaign {
  id: string;
  name: string;
  prepaidId: string;
  currency: string;
  betValue: bigint;
  betCount: number;
  startTime: string;
  endTime: string;
}

type FreeRoundsRow = Record<
  | 'id'
  | 'dialect'
  | 'user'
  | 'currency'
  | 'game_code'
  | 'bet_value'
  | 'won'
  | 'start_time'
  | 'end_time'
  | 'status',
  string
> & { prepaid_id: string | null; campaign_id: string | null; bet_count: number; played: number };
type CampaignRow = Record<
  'id' | 'name' | 'prepaid_id' | 'currency' | 'bet_value' | 'start_time' | 'end_time',
  string
> & { bet_count: number };

const fromRow = (row: FreeRoundsRow): IssuedFreeRounds => ({
  id: row.id,
  dialect: row.dialect as DialectName,
  user: row.user,
  currency: row.currency,
  gameCode: row.game_code,
  prepaidId: row.prepaid_id,
  campaignId: row.campaign_id,
  betValue: BigInt(row.bet_value),
  betCount: row.bet_count,
  startTime: row.start_time,
  endTime: row.end_time,
  played: row.played,
  won: BigInt(row.won),
  status: row.status as FreeRoundsStatus,
});

const fromCampaignRow = (row: CampaignRow): Campaign => ({
  id: row.id,
  name: row.name,
  prepaidId: row.prepaid_id,
  currency: row.currency,
  betValue: BigInt(row.bet_value),
  betCount: row.bet_count,
  startTime: row.start_time,
  endTime: row.end_time,
});

export type FreeRoundsBook = ReturnType<typeof createFreeRoundsBook>;

export function createFreeRoundsBook(store: StateStore) {
  const find = (dialect: DialectName, id: string): IssuedFreeRounds | undefined => {
    const row = store.one<FreeRoundsRow>(
      'select * from free_rounds where id = ? and dialect = ?',
      id,
      dialect,
    );
    return row === undefined ? undefined : fromRow(row);
  };
  return {
    find,
    /** The first issue of an id stands; whoever repeats it gets that one back. */
    issue(rounds: FreeRounds): IssuedFreeRounds {
      store.run(
        `insert or ignore into free_rounds (id, dialect, user, currency, game_code, prepaid_id, campaign_id, bet_value,
           bet_count, start_time, end_time, status, created_at_ms) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', ?)`,
        rounds.id,
        rounds.dialect,
        rounds.user,
        rounds.currency,
        rounds.gameCode,
        rounds.prepaidId,
        rounds.campaignId,
        String(rounds.betValue),
        rounds.betCount,
        rounds.startTime,
        rounds.endTime,
        Date.now(),
      );
      return find(rounds.dialect, rounds.id) ?? { ...rounds, played: 0, won: 0n, status: 'cancelled' };
    },
    /** False when it has been claimed or is over. */
    cancel: (dialect: DialectName, id: string): boolean =>
      store.run(
        `update free_rounds set status = 'cancelled' where id = ? and dialect = ? and status in ('active', 'cancelled')`,
        id,
        dialect,
      ) > 0,
    progress: ({ dialect, id }: FreeRounds, played: number, won: bigint, status: FreeRoundsStatus) =>
      store.run(
        'update free_rounds set played = ?, won = ?, status = ? where id = ? and dialect = ?',
        played,
        String(won),
        status,
        id,
        dialect,
      ),
    all: (limit: number) =>
      store
        .all<FreeRoundsRow>('select * from free_rounds order by created_at_ms desc limit ?', limit)
        .map(fromRow),

    startCampaign(campaign: Omit<Campaign, 'id'>): Campaign {
      const id = randomUUID();
      store.run(
        'insert into campaign values (?, ?, ?, ?, ?, ?, ?, ?, ?)',
        id,
        campaign.name,
        campaign.prepaidId,
        campaign.currency,
        String(campaign.betValue),
        campaign.betCount,
        campaign.startTime,
        campaign.endTime,
        Date.now(),
      );
      return { id, ...campaign };
    },
    findCampaign(id: string): Campaign | undefined {
      const row = store.one<CampaignRow>('select * from campaign where id = ?', id);
      return row === undefined ? undefined : fromCampaignRow(row);
    },
    campaigns: (limit: number): Campaign[] =>
      store
        .all<CampaignRow>('select * from campaign order by created_at_ms desc limit ?', limit)
        .map(fromCampaignRow),
  };
}
