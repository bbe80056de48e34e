/**
 * Black, grey and white lists. Black refuses and does not say so, grey calls for a person, white skips the velocity
 * rules it names: never a limit of responsible gambling, an amount, or a rule of a card network.
 */
import { fail, succeed, type Result } from '../failures.ts';
import { normaliseEmail } from '../pam/sessions.ts';
import { parseIban } from './sepa/iban.ts';
import { neutralRefusal, type Refusal } from './uses.ts';
import type { WithdrawalCheck } from './withdrawal-decision.ts';

export const listColours = ['black', 'grey', 'white'] as const;
export const listKinds = [
  'card',
  'bin',
  'iban',
  'email',
  'device',
  'ip',
  'country',
  'player',
  'crypto-address',
] as const;

export type ListColour = (typeof listColours)[number];
export type ListKind = (typeof listKinds)[number];

export type ListHit = {
  readonly id: string;
  readonly list: ListColour;
  readonly kind: ListKind;
  readonly skips: readonly string[];
};

export type ListVerdict = {
  /** Null unless a black entry matches; it wins over all others. */
  readonly refusal: Refusal | null;
  readonly isGrey: boolean;
  /** Names of payment rules that are not asked. */
  readonly skips: ReadonlySet<string>;
};

export function judgeLists(hits: readonly ListHit[]): ListVerdict {
  const black = hits.find(({ list }) => list === 'black');
  return {
    refusal: black === undefined ? null : neutralRefusal(`list-entry:${black.id}`),
    isGrey: hits.some(({ list }) => list === 'grey'),
    skips: new Set(hits.flatMap(({ list, skips }) => (list === 'white' ? skips : []))),
  };
}

/** A withdrawal of somebody listed: black refuses it, grey never lets it pass without people. */
export function withLists(
  check: WithdrawalCheck,
  approvalsRequired: number,
  hits: readonly ListHit[],
): WithdrawalCheck {
  if (check.kind === 'refuse') return check;
  const { refusal, isGrey } = judgeLists(hits);
  if (refusal !== null) return { kind: 'refuse', reason: 'payment-method-unavailable' };
  return isGrey
    ? {
        kind: 'pass',
        approvals: Math.max(approvalsRequired, check.approvals),
        reasons: [...check.reasons, 'grey-list'],
      }
    : check;
}

/** Of an address on a chain, before it is hashed. The case of an EVM address is its checksum; elsewhere it carries meaning. */
export const addressText = (address: string): string =>
  `crypto-address:${/^0x/i.test(address) ? address.toLowerCase() : address}`;

/** How what staff write becomes what is stored: in one form, and what is personal only as a keyed hash of it. */
export type ListKey = { readonly text: string; readonly isPersonal: boolean };

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const cidr = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]+)(?:\/\d{1,3})?$/;

/** Failure: `invalid-request`, without the value, which may be personal. */
export function listKey(kind: ListKind, value: string): Result<ListKey> {
  const text = value.trim();
  switch (kind) {
    case 'card':
    case 'device':
    case 'player':
      return plain(kind, text.toLowerCase(), uuid);
    case 'bin':
      return plain(kind, text, /^\d{6,8}$/);
    case 'country':
      return plain(kind, text.toUpperCase(), /^[A-Z]{2}$/);
    case 'ip':
      return plain(kind, text.toLowerCase(), cidr);
    case 'iban': {
      const iban = parseIban(text);
      return iban.ok ? succeed({ text: `iban:${iban.value}`, isPersonal: true }) : iban;
    }
    case 'email':
      return /^[^\s@]{1,64}@[^\s@]{1,190}$/.test(text)
        ? succeed({ text: normaliseEmail(text), isPersonal: true })
        : bad(kind);
    case 'crypto-address':
      return /^[A-Za-z0-9:]{14,120}$/.test(text)
        ? succeed({ text: addressText(text), isPersonal: true })
        : bad(kind);
  }
}

const plain = (kind: ListKind, text: string, form: RegExp): Result<ListKey> =>
  form.test(text) ? succeed({ text, isPersonal: false }) : bad(kind);

const bad = (kind: ListKind) =>
  fail('invalid-request', `The value is not of the kind ${kind}.`, {
    fields: [{ pointer: '/value', detail: `must be of the kind ${kind}` }],
  });
