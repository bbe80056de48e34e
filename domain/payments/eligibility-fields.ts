/**
 * What rules may speak of when they say whether a method is open, and whom a limit applies to. Both are asked of every way
 * to pay in, before anything is known of where a payment goes.
 */
import { defineCatalogue, type Field } from '../rules/catalogue.ts';
import { readFromStored } from '../rules/stored-facts-sql.ts';
import { payInMethods, paymentFlows, paymentMethods } from './payment-rules.ts';
import { depositFields } from './routing-fields.ts';

/** The field of the same name among those of deposits, of which only some methods are routed. */
const methodField = (values: readonly string[]): Field => ({
  name: 'method',
  type: { kind: 'enum', values },
  label: 'the method',
  source: 'request',
});

const commonFields = depositFields.filter(({ name }) => name !== 'method');

const pspsField = (name: string, label: string): Field => ({
  name: `psps.${name}`,
  type: { kind: 'integer' },
  label,
  source: 'aggregate',
  absence: 'the method needs no PSP',
  mayLag: true,
});

/** Asked for the list of methods, too, where no amount is known yet, and no card. */
export const eligibilityCatalogue = defineCatalogue(
  'payments.method-eligibility',
  readFromStored([
    methodField(payInMethods),
    ...commonFields,
    pspsField('offered', 'the number of PSPs that the brand offers for the method'),
    pspsField('reached', 'the number of those PSPs that answered lately, or were not asked'),
  ]),
  { costMax: 5_000 },
);

/**
 * Limits protect, so a condition says what holds for what is not known, and asks for nothing that lags. What only deposits
 * are told is absent in the other flows.
 */
export const limitCatalogue = defineCatalogue(
  'payments.payment-rules',
  [
    methodField(paymentMethods),
    {
      name: 'flow',
      type: { kind: 'enum', values: paymentFlows },
      label: 'the flow',
      source: 'request',
    },
    ...commonFields.filter(({ name }) => name !== 'billing.country'),
  ],
  { costMax: 200, isProtective: true, refusesLag: true },
);
