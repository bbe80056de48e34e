/** What routing rules may speak of when a deposit asks for its order of PSPs. */
import { defineCatalogue, type Field } from '../rules/catalogue.ts';
import { kycLevels } from '../kyc/levels.ts';

/** PSPs whose health rules may use; the connectors of the platform. */
export const routedPsps = ['alpha', 'beta', 'gamma'] as const;

/** Currencies that amounts can be compared in. Money of another currency is absent, so no rule compares across. */
export const routedCurrencies = [
  'EUR',
  'USD',
  'GBP',
  'SEK',
  'NOK',
  'PLN',
  'CAD',
  'BRL',
  'INR',
  'JPY',
  'KWD',
] as const;

/** Health is counted over this long; fewer attempts than the minimum say nothing about a rate. */
export const healthWindowMinutes = 15;
export const healthAttemptsMin = 10;

const healthOf = (psp: string): readonly Field[] => [
  {
    name: `psp.${psp}.attempts`,
    type: { kind: 'integer' },
    label: `the attempts at ${psp} in the last ${healthWindowMinutes} minutes`,
    source: 'aggregate',
    mayLag: true,
  },
  {
    name: `psp.${psp}.approvedBps`,
    type: { kind: 'integer' },
    label: `the approvals of ${psp} in basis points of its answers`,
    source: 'aggregate',
    absence: `fewer than ${healthAttemptsMin} answers in the last ${healthWindowMinutes} minutes`,
    mayLag: true,
  },
  {
    name: `psp.${psp}.unreachableBps`,
    type: { kind: 'integer' },
    label: `the attempts at ${psp} without a certain answer, in basis points`,
    source: 'aggregate',
    absence: `fewer than ${healthAttemptsMin} attempts in the last ${healthWindowMinutes} minutes`,
    mayLag: true,
  },
];

const request = { source: 'request' } as const;
const row = { source: 'row' } as const;

/** What is known of every deposit before it is decided where it goes and what is asked of 3-D Secure. */
export const depositFields: readonly Field[] = [
  { ...request, name: 'brand', type: { kind: 'string' }, label: 'the brand' },
  { ...request, name: 'jurisdiction', type: { kind: 'string' }, label: 'the jurisdiction' },
  { ...request, name: 'method', type: { kind: 'enum', values: ['card', 'e-wallet'] }, label: 'the method' },
  { ...request, name: 'currency', type: { kind: 'string' }, label: 'the currency' },
  ...routedCurrencies.map((asset): Field => ({
    ...request,
    name: `amount.${asset}`,
    type: { kind: 'money', asset },
    label: `the amount in ${asset}`,
    absence: 'the deposit is in another currency',
  })),
  { ...request, name: 'requestedAt', type: { kind: 'timestamp' }, label: 'the time of the request' },
  { ...row, name: 'player.country', type: { kind: 'country' }, label: "the player's country" },
  {
    ...row,
    name: 'player.kycLevel',
    type: { kind: 'enum', values: kycLevels },
    label: "the player's KYC level",
  },
  { ...row, name: 'player.accountAge', type: { kind: 'duration' }, label: 'the age of the account' },
  {
    ...row,
    name: 'player.deposits',
    type: { kind: 'integer' },
    label: 'the number of captured deposits, counted up to 100',
  },
  {
    ...row,
    name: 'card.brand',
    type: { kind: 'string' },
    label: 'the brand of the card',
    absence: 'the card has not paid here before',
  },
];

export const routingCatalogue = defineCatalogue(
  'payments.deposit-routing',
  [...depositFields, ...routedPsps.flatMap(healthOf)],
  { costMax: 5_000 },
);

export const threeDsCatalogue = defineCatalogue('payments.three-ds', depositFields, { costMax: 5_000 });
