/** What routing rules may speak of when a deposit asks for its order of PSPs. */
import { defineCatalogue, type Field } from '../rules/catalogue.ts';
import { kycLevels } from '../kyc/levels.ts';
import { readFromStored } from '../rules/stored-facts-sql.ts';
import { cardTypes } from './lookup-tables.ts';

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

export const healthOf = (psp: string): readonly Field[] => [
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

/** The fee term of the PSP for this amount; one that has no term is absent and not free. */
const costOf = (psp: string): Field => ({
  name: `psp.${psp}.costBps`,
  type: { kind: 'integer' },
  label: `what ${psp} is expected to take for the charge, in basis points of the amount, rounded up`,
  source: 'row',
  absence: 'no fee term of this PSP is known',
  mayLag: true,
});

const request = { source: 'request' } as const;
const row = { source: 'row' } as const;

const useField = (name: string, label: string, absence?: string): Field => ({
  ...row,
  name: `uses.${name}`,
  type: { kind: 'integer' },
  label,
  absence: absence ?? 'nothing was counted when this was decided',
});

/** Black is not here: whom it names gets as far as no rule. */
const listAndUseFields: readonly Field[] = [
  {
    ...row,
    name: 'list.grey',
    type: { kind: 'boolean' },
    label: 'an entry of the grey list matches',
    absence: 'lists were not read when this was decided',
  },
  {
    ...row,
    name: 'list.white',
    type: { kind: 'boolean' },
    label: 'an entry of the white list matches',
    absence: 'lists were not read when this was decided',
  },
  useField('player24h', 'the tries of the player to pay in within 24 hours'),
  useField('card24h', 'the tries with the card within 24 hours', 'the card is new'),
  useField('device1h', 'the tries with the device within an hour', 'the device is not known'),
  useField('ip1h', 'the tries from the address within an hour', 'no address of the internet is known'),
  useField(
    'ipDeclinedCards1h',
    'the different cards refused from the address within an hour',
    'no address of the internet is known',
  ),
];

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
    name: 'player.tier',
    type: { kind: 'string' },
    label: "the player's tier",
    absence: 'staff gave the player none',
  },
  {
    ...row,
    name: 'player.age',
    type: { kind: 'integer' },
    isSensitive: true,
    label: "the player's age in years",
    absence: 'the date of birth cannot be read, or can no longer be',
  },
  {
    ...row,
    name: 'player.fraudScore',
    type: { kind: 'integer' },
    isSensitive: true,
    label: "the player's fraud score, 0 to 1000",
    absence: 'nobody has scored the player, or the score has run out',
  },
  {
    ...request,
    name: 'ip.country',
    type: { kind: 'country' },
    label: 'the country of the IP address',
    absence: 'no imported table knows the address',
  },
  {
    ...request,
    name: 'billing.country',
    type: { kind: 'country' },
    label: 'the country of the billing address',
    absence: 'the request did not say it',
  },
  {
    ...row,
    name: 'card.brand',
    type: { kind: 'string' },
    label: 'the brand of the card',
    absence: 'the card has not paid here before',
  },
  {
    ...row,
    name: 'card.bin',
    type: { kind: 'string' },
    label: 'the first digits of the card',
    absence: 'no PSP has told them yet',
  },
  {
    ...row,
    name: 'card.country',
    type: { kind: 'country' },
    label: "the country of the card's issuer",
    absence: 'no PSP has told it yet',
  },
  {
    ...row,
    name: 'bank.name',
    type: { kind: 'string' },
    label: "the card's bank",
    absence: 'no imported table knows the first digits, or no PSP has told them',
  },
  {
    ...row,
    name: 'bank.country',
    type: { kind: 'country' },
    label: "the country of the card's bank",
    absence: 'no imported table knows the first digits, or no PSP has told them',
  },
  {
    ...row,
    name: 'card.type',
    type: { kind: 'enum', values: cardTypes },
    label: 'whether the card is credit, debit or prepaid',
    absence: 'no imported table says it of the first digits, or no PSP has told them',
  },
  ...listAndUseFields,
];

export const routingCatalogue = defineCatalogue(
  'payments.deposit-routing',
  readFromStored([...depositFields, ...routedPsps.flatMap((psp) => [...healthOf(psp), costOf(psp)])]),
  { costMax: 5_000 },
);

export const threeDsCatalogue = defineCatalogue('payments.three-ds', readFromStored(depositFields), {
  costMax: 5_000,
});
