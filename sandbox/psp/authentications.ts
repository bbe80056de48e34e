/** The issuers behind this PSP: what was asked of 3-D Secure for a payment, and how the cardholder was authenticated. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { StateStore } from '../support/state-store.ts';
import type { CardRow, PaymentRow } from './tables.ts';

export type Status = 'Y' | 'A' | 'D' | 'N' | 'R' | 'U' | 'I';
export type ExemptionName = 'low_value' | 'tra' | 'trusted' | 'mit';

export interface Imported {
  status: string;
  eci: string;
  dsId: string;
  version: string;
  cavv: string;
}

export interface AskedOfIssuer {
  exemption?: ExemptionName | undefined;
  imported?: Imported | undefined;
  /** The shop wants no payment where the issuer cannot be reached. */
  refuseUnavailable?: boolean;
}

export interface Authentication {
  status: Status | null;
  eci: string | null;
  dsId: string | null;
  version: string | null;
  cavv: string | null;
  exemption: ExemptionName | null;
  flow: 'frictionless' | 'challenge' | null;
}

const tables = `create table if not exists authentication (
  payment_id text primary key, asked text not null, outcome text, declines_after integer not null default 0)`;

const version = '2.2.0';

/** What an acquirer may leave out by itself, in minor units: article 16 and the lowest band of article 18. */
const exemptUpTo: Record<ExemptionName, number> = {
  low_value: 3_000,
  tra: 10_000,
  trusted: Number.MAX_SAFE_INTEGER,
  mit: Number.MAX_SAFE_INTEGER,
};

const indicators = {
  mastercard: { Y: '02', A: '01' },
  others: { Y: '05', A: '06' },
} as const;

export type Authentications = ReturnType<typeof createAuthentications>;

export function createAuthentications(store: StateStore) {
  store.run(tables);
  const rowOf = (id: string) =>
    store.one<{ asked: string; outcome: string | null; declines_after: number }>(
      'select asked, outcome, declines_after from authentication where payment_id = ?',
      id,
    );
  const asked = (id: string): AskedOfIssuer => JSON.parse(rowOf(id)?.asked ?? '{}') as AskedOfIssuer;
  const keep = (id: string, outcome: Authentication): void => {
    store.run(
      `insert into authentication (payment_id, asked, outcome) values (?, '{}', ?)
       on conflict (payment_id) do update set outcome = excluded.outcome`,
      id,
      JSON.stringify(outcome),
    );
  };

  return {
    asked,

    ask(id: string, wish: AskedOfIssuer): void {
      store.run(
        'insert or replace into authentication (payment_id, asked) values (?, ?)',
        id,
        JSON.stringify(wish),
      );
    },

    of(id: string): Authentication | undefined {
      const outcome = rowOf(id)?.outcome ?? null;
      return outcome === null ? undefined : (JSON.parse(outcome) as Authentication);
    },

    /** After the challenge the issuer will refuse all the same. */
    declineAfter(id: string): void {
      store.run('update authentication set declines_after = 1 where payment_id = ?', id);
    },
    declinesAfter: (id: string): boolean => rowOf(id)?.declines_after === 1,

    conclude(
      payment: PaymentRow,
      card: CardRow | undefined,
      status: Status,
      flow: Authentication['flow'] = 'frictionless',
    ): void {
      const eciOf = card?.brand === 'mastercard' ? indicators.mastercard : indicators.others;
      const none = card?.brand === 'mastercard' ? '00' : '07';
      const proves = status === 'Y' || status === 'A';
      keep(payment.id, {
        status,
        eci: proves ? eciOf[status] : none,
        dsId: randomUUID(),
        version,
        cavv: proves ? randomBytes(20).toString('base64') : null,
        exemption: null,
        flow,
      });
    },

    /** True when the issuer takes what another PSP has brought about. */
    takeOver(payment: PaymentRow): boolean {
      const { imported } = asked(payment.id);
      if (imported === undefined || (imported.status !== 'Y' && imported.status !== 'A')) return false;
      if (Buffer.from(imported.cavv, 'base64').length !== 20) return false;
      const { status, eci, dsId, version: theirs, cavv } = imported;
      keep(payment.id, { status, eci, dsId, version: theirs, cavv, exemption: null, flow: null });
      return true;
    },

    /** True when no authentication is needed. */
    exempt(payment: PaymentRow): boolean {
      const { exemption } = asked(payment.id);
      if (exemption === undefined || payment.amount > exemptUpTo[exemption]) return false;
      keep(payment.id, {
        status: null,
        eci: null,
        dsId: null,
        version: null,
        cavv: null,
        exemption,
        flow: null,
      });
      return true;
    },
  };
}
