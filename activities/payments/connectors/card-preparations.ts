/** How the PSPs that we charge from the vault are asked to make a payment method of a card. */
import type { CheckoutAccount, StripeAccount } from '../connectors.ts';
import { fieldsOf, type CardPreparation } from './card-vault.ts';

/** The same key for the same attempt, so that a repeat gets the payment method of the first try. */
export const stripePreparation = ({ apiKey }: Pick<StripeAccount, 'apiKey'>): CardPreparation => ({
  dialect: 'stripe',
  template: ({ reference }) => ({
    headers: { authorization: `Bearer ${apiKey}`, 'idempotency-key': `${reference}:card` },
    body: {
      encoding: 'form',
      fields: {
        type: 'card',
        'card[number]': '{{number}}',
        'card[exp_month]': '{{expiryMonth}}',
        'card[exp_year]': '{{expiryYear}}',
        'card[cvc]': '{{cvc}}',
      },
    },
  }),
  nameIn: ({ id }) => id,
  codesIn: ({ error }) => [fieldsOf(error)['decline_code'], fieldsOf(error)['code']],
  saysRepeated: ({ error }) => fieldsOf(error)['type'] === 'idempotency_error',
});

/** A token of Checkout.com is charged once; each attempt gets its own. */
export const checkoutPreparation = ({ apiKey }: Pick<CheckoutAccount, 'apiKey'>): CardPreparation => ({
  dialect: 'checkout',
  template: () => ({
    headers: { authorization: `Bearer ${apiKey}` },
    body: {
      encoding: 'json',
      fields: {
        type: 'card',
        number: '{{number}}',
        expiry_month: '{{expiryMonthNumber}}',
        expiry_year: '{{expiryYearNumber}}',
        cvv: '{{cvc}}',
      },
    },
  }),
  nameIn: ({ token }) => token,
  codesIn: ({ error_codes: codes }) => (Array.isArray(codes) ? codes : []),
  // Tokens are made without a key; the charge has one.
  saysRepeated: () => false,
});
