/** The studio's own memory of sessions, rounds and transactions; what game/round answers from, after kill -9 too. */
import { randomUUID } from 'node:crypto';
import type { StateStore } from '../support/state-store.ts';
import type { DialectName } from './wallet-wire.ts';

// Amounts are text: units times 100 000 pass what SQLite's reader returns as an exact number.
export const studioTables = `
create table if not exists setting (name text primary key, value text not null);
create table if not exists session (
  id text primary key, token text, user text, currency text not null, game_code text not null, lobby_url text, demo_balance text, created_at_ms integer not null);
create table if not exists round (
  id text primary key, token text not null, user text not null, currency text not null, game_code text not null, status text not null, created_at_ms integer not null);
create table if not exists wallet_transaction (
  uuid text primary key, round_id text not null, request_uuid text not null, kind text not null, amount text not null,
  reference_uuid text, closes_round integer not null, state text not null, status text, attempts integer not null default 0, created_at_ms integer not null);
create index if not exists wallet_transaction_round on wallet_transaction (round_id);
`;

/** What a state file of an earlier version lacks. */
const laterColumns = [
  ['session', 'dialect', `text not null default 'hub88'`],
  ['round', 'dialect', `text not null default 'hub88'`],
  ['round', 'reward_id', 'text'],
  ['round', 'campaign_id', 'text'],
  ['wallet_transaction', 'jackpot', `text not null default '0'`],
  ['wallet_transaction', 'promo', 'text'],
] as const;

export interface Player {
  dialect: DialectName;
  /** Empty where no token travels (a8r). */
  token: string;
  user: string;
  currency: string;
  gameCode: string;
}
export interface Session {
  id: string;
  dialect: DialectName;
  token: string | null;
  user: string | null;
  currency: string;
  gameCode: string;
  lobbyUrl: string | null;
  demoBalance: bigint;
}
export type RoundStatus = 'open' | 'finished' | 'void';
/** Free rounds that somebody has won or was given: bets of them cost nothing. */
export interface Reward {
  id: string;
  campaign: string | null;
}
export interface Round extends Player {
  id: string;
  status: RoundStatus;
  reward: Reward | null;
}
export type TransactionKind = 'bet' | 'win' | 'rollback';
/** decided: known here, the wallet has not confirmed it; unknown: sent, without a usable answer. */
export type TransactionState = 'decided' | 'accepted' | 'refused' | 'unknown';

export interface WalletTransaction {
  uuid: string;
  roundId: string;
  requestUuid: string;
  kind: TransactionKind;
  amount: bigint;
  referenceUuid: string | null;
  closesRound: boolean;
  state: TransactionState;
  status: string | null;
  attempts: number;
  /** Of a bet, what it gives to the pool; of a win, the part that the pool pays. Zero where there is none. */
  jackpot: bigint;
  /** A win that the studio gives away by itself, under this reference. */
  promo: string | null;
}

interface TransactionRow {
  uuid: string;
  round_id: string;
  request_uuid: string;
  kind: TransactionKind;
  amount: string;
  reference_uuid: string | null;
  closes_round: number;
  state: TransactionState;
  status: string | null;
  attempts: number;
  jackpot: string;
  promo: string | null;
}
interface RoundRow {
  id: string;
  dialect: DialectName;
  token: string;
  user: string;
  currency: string;
  game_code: string;
  status: RoundStatus;
  reward_id: string | null;
  campaign_id: string | null;
}
interface SessionRow {
  id: string;
  dialect: DialectName;
  token: string | null;
  user: string | null;
  currency: string;
  game_code: string;
  lobby_url: string | null;
  demo_balance: string;
}

const fromRoundRow = (row: RoundRow): Round => ({
  id: row.id,
  dialect: row.dialect,
  token: row.token,
  user: row.user,
  currency: row.currency,
  gameCode: row.game_code,
  status: row.status,
  reward: row.reward_id === null ? null : { id: row.reward_id, campaign: row.campaign_id },
});

const fromSessionRow = (row: SessionRow): Session => ({
  id: row.id,
  dialect: row.dialect,
  token: row.token,
  user: row.user,
  currency: row.currency,
  gameCode: row.game_code,
  lobbyUrl: row.lobby_url,
  demoBalance: BigInt(row.demo_balance),
});

const fromTransactionRow = (row: TransactionRow): WalletTransaction => ({
  uuid: row.uuid,
  roundId: row.round_id,
  requestUuid: row.request_uuid,
  kind: row.kind,
  amount: BigInt(row.amount),
  referenceUuid: row.reference_uuid,
  closesRound: row.closes_round === 1,
  state: row.state,
  status: row.status,
  attempts: row.attempts,
  jackpot: BigInt(row.jackpot),
  promo: row.promo,
});

export type RoundBook = ReturnType<typeof createRoundBook>;

export function createRoundBook(store: StateStore) {
  for (const [table, column, type] of laterColumns) {
    const known = store.all<{ name: string }>(`select name from pragma_table_info('${table}')`);
    if (!known.some(({ name }) => name === column))
      store.run(`alter table ${table} add column ${column} ${type}`);
  }

  return {
    openSession(session: Omit<Session, 'id'>): string {
      const id = randomUUID();
      store.run(
        `insert into session (id, dialect, token, user, currency, game_code, lobby_url, demo_balance, created_at_ms)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        id,
        session.dialect,
        session.token,
        session.user,
        session.currency,
        session.gameCode,
        session.lobbyUrl,
        String(session.demoBalance),
        Date.now(),
      );
      return id;
    },
    findSession(id: string): Session | undefined {
      const row = store.one<SessionRow>('select * from session where id = ?', id);
      return row === undefined ? undefined : fromSessionRow(row);
    },
    /** The player's latest, for work that nobody's open page asks for. */
    latestSession(dialect: DialectName, user: string): Session | undefined {
      const row = store.one<SessionRow>(
        'select * from session where dialect = ? and user = ? order by created_at_ms desc, rowid desc limit 1',
        dialect,
        user,
      );
      return row === undefined ? undefined : fromSessionRow(row);
    },
    /** Every session that holds the old token goes on with the new one. */
    replaceToken: (old: string, token: string) =>
      store.run('update session set token = ? where token = ?', token, old),
    setDemoBalance: (id: string, balance: bigint) =>
      store.run('update session set demo_balance = ? where id = ?', String(balance), id),

    openRound(player: Player, reward: Reward | null = null): Round {
      const id = randomUUID().replaceAll('-', '').slice(0, 20);
      const { dialect, token, user, currency, gameCode } = player;
      store.run(
        `insert into round (id, dialect, token, user, currency, game_code, status, created_at_ms, reward_id, campaign_id)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        id,
        dialect,
        token,
        user,
        currency,
        gameCode,
        'open',
        Date.now(),
        reward?.id ?? null,
        reward?.campaign ?? null,
      );
      return { dialect, token, user, currency, gameCode, id, status: 'open', reward };
    },
    findRound(id: string): Round | undefined {
      const row = store.one<RoundRow>('select * from round where id = ?', id);
      return row === undefined ? undefined : fromRoundRow(row);
    },
    setRoundStatus: (id: string, status: RoundStatus) =>
      store.run('update round set status = ? where id = ?', status, id),
    rounds: (status: RoundStatus | undefined, limit: number): Round[] =>
      store
        .all<RoundRow>(
          'select * from round where (? is null or status = ?) order by created_at_ms desc, rowid desc limit ?',
          status ?? null,
          status ?? null,
          limit,
        )
        .map(fromRoundRow),

    decide(
      round: Round,
      kind: TransactionKind,
      amount: bigint,
      referenceUuid: string | null,
      closesRound: boolean,
      { jackpot = 0n, promo = null }: Partial<Pick<WalletTransaction, 'jackpot' | 'promo'>> = {},
    ): WalletTransaction {
      const transaction: WalletTransaction = {
        uuid: randomUUID(),
        roundId: round.id,
        requestUuid: randomUUID(),
        kind,
        amount,
        referenceUuid,
        closesRound,
        state: 'decided',
        status: null,
        attempts: 0,
        jackpot,
        promo,
      };
      store.run(
        `insert into wallet_transaction (uuid, round_id, request_uuid, kind, amount, reference_uuid, closes_round, state,
           status, attempts, created_at_ms, jackpot, promo) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        transaction.uuid,
        round.id,
        transaction.requestUuid,
        kind,
        String(amount),
        referenceUuid,
        Number(closesRound),
        'decided',
        null,
        0,
        Date.now(),
        String(jackpot),
        promo,
      );
      return transaction;
    },
    settle(
      transaction: WalletTransaction,
      state: TransactionState,
      status: string | null,
      attempts: number,
    ): void {
      Object.assign(transaction, { state, status, attempts });
      store.run(
        'update wallet_transaction set state = ?, status = ?, attempts = ? where uuid = ?',
        state,
        status,
        attempts,
        transaction.uuid,
      );
    },
    findTransaction(uuid: string): WalletTransaction | undefined {
      const row = store.one<TransactionRow>('select * from wallet_transaction where uuid = ?', uuid);
      return row === undefined ? undefined : fromTransactionRow(row);
    },
    transactionsOf: (roundId: string): WalletTransaction[] =>
      store
        .all<TransactionRow>(
          'select * from wallet_transaction where round_id = ? order by created_at_ms, rowid',
          roundId,
        )
        .map(fromTransactionRow),
  };
}
