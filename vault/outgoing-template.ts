/**
 * Puts a card into a request for a PSP. A template is data: a placeholder is a whole field, never a part of a text, and
 * the number may only stand in the field that the destination's configuration names. So a caller cannot have it written
 * into a field that he may read again at the PSP.
 */
import { z } from 'zod';
import { Refusal } from './refusal.ts';

export type CardForTemplate = {
  readonly number: string;
  readonly cvc: string | null;
  readonly expiryMonth: number;
  readonly expiryYear: number;
};

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

export const templateBody = z.discriminatedUnion('encoding', [
  z.strictObject({
    encoding: z.literal('form'),
    fields: z.record(z.string().max(100), z.string().max(2_000)),
  }),
  z.strictObject({ encoding: z.literal('json'), fields: z.record(z.string().max(100), z.json()) }),
]);
export type TemplateBody = z.infer<typeof templateBody>;

const placeholderForm = /^\{\{(\w+)\}\}$/;
const partsMax = 200;

export type FilledBody = { readonly contentType: string; readonly text: string };

/** Throws a `Refusal` `template-refused`. A field for a security code that is not known any more is left out. */
export function fillTemplate(
  body: TemplateBody,
  card: CardForTemplate,
  numberField: string,
  cvcField: string,
): FilledBody {
  let numbers = 0;
  let parts = 0;
  const fill = (value: Json, path: string): Json | undefined => {
    parts += 1;
    if (parts > partsMax) throw refused('it has too many fields');
    if (Array.isArray(value)) {
      return value.map((item: Json, index) => fill(item, `${path}.${index}`) ?? null);
    }
    if (typeof value === 'object' && value !== null) {
      const filled = Object.entries(value).map(([name, item]): [string, Json | undefined] => {
        // A dot in a name would let it pass for the path of another field.
        if (name === '__proto__' || name.includes('.')) throw refused('a field has a name that may not be');
        return [name, fill(item as Json, path === '' ? name : `${path}.${name}`)];
      });
      return Object.fromEntries(filled.filter((entry): entry is [string, Json] => entry[1] !== undefined));
    }
    const name = typeof value === 'string' ? placeholderForm.exec(value)?.[1] : undefined;
    switch (name) {
      case undefined:
        if (typeof value === 'string' && value.includes('{{'))
          throw refused('a placeholder is a whole field');
        return value as Json;
      case 'number':
        if (path !== numberField) throw refused(`the number may only stand in ${numberField}`);
        numbers += 1;
        return card.number;
      case 'cvc':
        if (path !== cvcField) throw refused(`the security code may only stand in ${cvcField}`);
        return card.cvc ?? undefined;
      case 'expiryMonth':
        return String(card.expiryMonth).padStart(2, '0');
      case 'expiryYear':
        return String(card.expiryYear);
      case 'expiryMonthNumber':
        return card.expiryMonth;
      case 'expiryYearNumber':
        return card.expiryYear;
      default:
        throw refused(`there is no placeholder of the name ${name}`);
    }
  };
  if (body.encoding === 'json') {
    const text = JSON.stringify(fill(body.fields as Json, ''));
    if (numbers !== 1) throw refused('it needs the number once');
    return { contentType: 'application/json', text };
  }
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body.fields)) {
    const filled = fill(value, name);
    if (filled !== undefined) form.append(name, String(filled as string | number));
  }
  if (numbers !== 1) throw refused('it needs the number once');
  return { contentType: 'application/x-www-form-urlencoded', text: form.toString() };
}

const refused = (why: string): Refusal => new Refusal('template-refused', `The template is refused: ${why}.`);
