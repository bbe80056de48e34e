/** Stores cards without their number: brand, last four, expiry, a keyed fingerprint, and how the number made the card behave. */
import { createHmac, randomBytes } from 'node:crypto';
import type { StateStore } from '../support/state-store.ts';
import { behaviourOfCardNumber, cardBrand, passesLuhn } from './magic-cards.ts';
import { Refusal } from './refusal.ts';
import type { CardRow } from './tables.ts';

export interface NewCard {
  id: string;
  number: string;
  expMonth: number;
  expYear: number;
  shopper: string | null;
}

export function createCardVault(store: StateStore) {
  // A bare hash of a card number can be guessed; the key makes the fingerprint useless outside this PSP.
  store.run(
    'insert or ignore into setting (name, value) values (?, ?)',
    'fingerprint_key',
    randomBytes(32).toString('hex'),
  );
  const key = Buffer.from(
    store.one<{ value: string }>('select value from setting where name = ?', 'fingerprint_key')?.value ?? '',
    'hex',
  );

  return {
    store({ id, number, expMonth, expYear, shopper }: NewCard): CardRow {
      const digits = number.replace(/\s+/g, '');
      const brand = cardBrand(digits);
      if (brand === undefined || !passesLuhn(digits))
        throw new Refusal('invalid_card', 'Your card number is incorrect.', 'number');
      const year = expYear < 100 ? 2000 + expYear : expYear;
      if (!Number.isInteger(expMonth) || expMonth < 1 || expMonth > 12)
        throw new Refusal('invalid_card', "Your card's expiration month is invalid.", 'exp_month');
      const now = new Date();
      if (
        !Number.isInteger(year) ||
        year * 12 + expMonth < now.getUTCFullYear() * 12 + now.getUTCMonth() + 1
      ) {
        throw new Refusal('invalid_card', "Your card's expiration year is invalid.", 'exp_year');
      }
      const card: CardRow = {
        id,
        brand,
        last4: digits.slice(-4),
        bin: digits.slice(0, 6),
        exp_month: expMonth,
        exp_year: year,
        // Magic numbers are few and everybody's: with their expiry they are many cards of one behaviour.
        fingerprint: createHmac('sha256', key)
          .update(`${digits} ${year}-${expMonth}`)
          .digest('base64url')
          .slice(0, 16),
        behaviour: behaviourOfCardNumber(digits),
        shopper,
        created_at_ms: Date.now(),
      };
      store.run(
        'insert into card values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        card.id,
        card.brand,
        card.last4,
        card.bin,
        card.exp_month,
        card.exp_year,
        card.fingerprint,
        card.behaviour,
        card.shopper,
        card.created_at_ms,
      );
      return card;
    },
    find(id: string | null): CardRow | undefined {
      return id === null ? undefined : store.one<CardRow>('select * from card where id = ?', id);
    },
    assign(id: string, shopper: string | null): void {
      store.run('update card set shopper = ? where id = ?', shopper, id);
    },
    ofShopper(shopper: string): CardRow[] {
      return store.all<CardRow>('select * from card where shopper = ? order by created_at_ms desc', shopper);
    },
    remove(id: string): void {
      store.run('delete from card where id = ?', id);
    },
  };
}

export type CardVault = ReturnType<typeof createCardVault>;
