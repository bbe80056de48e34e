/** What a scorecard may speak of: facts of the payment, the player and those who share something with the player. */
import { kycLevels } from '../kyc/levels.ts';
import { defineCatalogue, type Field } from '../rules/catalogue.ts';

const request = { source: 'request' } as const;
const row = { source: 'row' } as const;
const counted = { source: 'aggregate', type: { kind: 'integer' } } as const;

const noAddress = 'nobody is at the other end, or no address of the internet is known';

export const scorecardFields: readonly Field[] = [
  { ...request, name: 'brand', type: { kind: 'string' }, label: 'the brand' },
  { ...request, name: 'jurisdiction', type: { kind: 'string' }, label: 'the jurisdiction' },
  {
    ...request,
    name: 'flow',
    type: { kind: 'enum', values: ['deposit', 'withdrawal'] },
    label: 'the direction of the payment',
  },
  { ...request, name: 'method', type: { kind: 'string' }, label: 'the method' },
  { ...request, name: 'currency', type: { kind: 'string' }, label: 'the currency' },
  {
    ...request,
    name: 'amount.usualBps',
    type: { kind: 'integer' },
    label: "the amount in basis points of the player's usual deposit",
    absence: 'the player has fewer than three captured deposits in this asset',
  },
  { ...row, name: 'player.country', type: { kind: 'country' }, label: "the player's country" },
  {
    ...row,
    name: 'player.kycLevel',
    type: { kind: 'enum', values: kycLevels },
    label: "the player's KYC level",
  },
  { ...row, name: 'player.accountAge', type: { kind: 'duration' }, label: 'the age of the account' },
  {
    ...counted,
    name: 'player.deposits',
    label: 'the number of captured deposits, counted up to 100',
  },
  {
    ...request,
    name: 'ip.country',
    type: { kind: 'country' },
    label: 'the country of the IP address',
    absence: 'no imported table knows the address',
  },
  {
    ...row,
    name: 'mismatch.ip',
    type: { kind: 'boolean' },
    label: "the IP address is of another country than the player's",
    absence: 'no imported table knows the address',
  },
  {
    ...row,
    name: 'mismatch.card',
    type: { kind: 'boolean' },
    label: "the card is of another country than the player's",
    absence: 'no card, or no PSP or table has told its country',
  },
  { ...counted, name: 'linked.device', label: "the number of other players on the player's devices" },
  {
    ...counted,
    name: 'linked.ip24h',
    label: 'the number of other players from the address in 24 hours, counted up to 1000',
    absence: noAddress,
  },
  { ...counted, name: 'uses.player24h', label: 'the tries to pay in of the player in 24 hours' },
  {
    ...counted,
    name: 'uses.device1h',
    label: 'the tries to pay in of the device in one hour',
    absence: noAddress,
  },
  {
    ...counted,
    name: 'uses.ip1h',
    label: 'the tries to pay in from the address in one hour',
    absence: noAddress,
  },
  {
    ...counted,
    name: 'uses.ipDeclinedCards1h',
    label: 'the different cards refused from the address in one hour',
    absence: noAddress,
  },
  { ...counted, name: 'declines.player24h', label: "the player's refused tries in 24 hours" },
  { ...counted, name: 'declines.cards24h', label: "the player's different refused cards in 24 hours" },
  { ...counted, name: 'history.chargebacks', label: "the player's chargebacks that were not won" },
  { ...counted, name: 'history.fraudReports', label: 'the fraud reports on deposits of the player' },
  {
    ...counted,
    name: 'history.linkedFraud',
    label: 'the number of other players on the same devices with a chargeback or a fraud report',
  },
];

export const scorecardCatalogue = defineCatalogue('risk.fraud-scorecard', scorecardFields, {
  costMax: 5_000,
});
