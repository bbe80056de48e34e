/** Reads what was typed into the page: a number that can be a card's, an expiry that is not over, a CVC of its brand. */
import validate from 'card-validator';
import { Refusal } from './refusal.ts';

export type CardFacts = {
  readonly brand: string;
  /** First eight digits of a number of sixteen or more, first six of a shorter one: more would give it away. */
  readonly bin: string;
  readonly last4: string;
};

export type TypedCard = CardFacts & {
  readonly number: string;
  readonly cvc: string | null;
  readonly expiryMonth: number;
  readonly expiryYear: number;
};

/** Shorter numbers would be given away by the digits that are shown. */
const lengthMin = 14;
const lengthMax = 19;
const longNumber = 16;
const yearsAheadMax = 20;

/** As our connectors and their PSPs call brands. */
const brandNames: Readonly<Record<string, string>> = {
  'american-express': 'amex',
  'diners-club': 'diners',
};

export type TypedFields = {
  readonly number: string;
  readonly cvc?: string | undefined;
  readonly expiryMonth: number;
  readonly expiryYear: number;
};

/** Brand, length and check digit are those of a card. */
export const isCardNumber = (digits: string): boolean =>
  validate.number(digits, { luhnValidateUnionPay: true }).isValid;

/** Throws a `Refusal`: `invalid-card-number`, `invalid-expiry`, `invalid-cvc`. `now` decides which cards have expired. */
export function readCard(fields: TypedFields, now: Date): TypedCard {
  const number = fields.number.replaceAll(/[ -]/g, '');
  const found = /^\d+$/.test(number) ? validate.number(number, { luhnValidateUnionPay: true }) : null;
  if (
    found?.isValid !== true ||
    found.card === null ||
    number.length < lengthMin ||
    number.length > lengthMax
  )
    throw new Refusal('invalid-card-number', 'This is not the number of a card.');
  const { expiryMonth, expiryYear } = fields;
  const monthNow = now.getUTCFullYear() * 12 + now.getUTCMonth() + 1;
  if (
    expiryMonth < 1 ||
    expiryMonth > 12 ||
    expiryYear * 12 + expiryMonth < monthNow ||
    expiryYear > now.getUTCFullYear() + yearsAheadMax
  )
    throw new Refusal('invalid-expiry', 'The card has expired, or its expiry is not a month and a year.');
  const { size } = found.card.code;
  if (fields.cvc !== undefined && !(/^\d+$/.test(fields.cvc) && fields.cvc.length === size))
    throw new Refusal('invalid-cvc', `The security code of this card has ${size} digits.`);
  return {
    number,
    cvc: fields.cvc ?? null,
    expiryMonth,
    expiryYear,
    brand: brandNames[found.card.type] ?? found.card.type,
    bin: number.slice(0, number.length >= longNumber ? 8 : 6),
    last4: number.slice(-4),
  };
}
