/** What payout routing rules may speak of when a leg of a withdrawal asks for its order of PSPs. */
import { defineCatalogue, type Field } from '../rules/catalogue.ts';
import { readFromStored } from '../rules/stored-facts-sql.ts';
import { kycLevels } from '../kyc/levels.ts';
import { healthOf, routedCurrencies, routedPsps } from './routing-fields.ts';

const request = { source: 'request' } as const;
const row = { source: 'row' } as const;

/** The health of a PSP is that of its payouts here, not of its charges. */
export const payoutRoutingCatalogue = defineCatalogue(
  'payments.payout-routing',
  readFromStored([
    { ...request, name: 'brand', type: { kind: 'string' }, label: 'the brand' },
    { ...request, name: 'jurisdiction', type: { kind: 'string' }, label: 'the jurisdiction' },
    { ...request, name: 'method', type: { kind: 'string' }, label: 'the kind of instrument' },
    { ...request, name: 'currency', type: { kind: 'string' }, label: 'the currency' },
    ...routedCurrencies.map((asset): Field => ({
      ...request,
      name: `amount.${asset}`,
      type: { kind: 'money', asset },
      label: `what is paid out in ${asset}`,
      absence: 'the withdrawal is in another currency',
    })),
    { ...request, name: 'requestedAt', type: { kind: 'timestamp' }, label: 'the time of the decision' },
    { ...row, name: 'source', type: { kind: 'string' }, label: 'the PSP where the instrument paid in' },
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
      name: 'card.brand',
      type: { kind: 'string' },
      label: 'the brand of the card',
      absence: 'it is no card, or its PSP has not told the brand',
    },
    ...routedPsps.flatMap(healthOf),
  ]),
  { costMax: 5_000 },
);
