import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fillTemplate, type TemplateBody } from './outgoing-template.ts';

const card = { number: '4242424242424242', cvc: '737', expiryMonth: 3, expiryYear: 2031 };
const fill = (body: TemplateBody, cvc: string | null = card.cvc) =>
  fillTemplate(body, { ...card, cvc }, 'card.number', 'card.cvc').text;
const json = (fields: object) => ({ encoding: 'json', fields }) as TemplateBody;

describe('a template', () => {
  test('gets the parts of the card in the forms that PSPs want', () => {
    const fields = {
      card: { number: '{{number}}', cvc: '{{cvc}}', month: '{{expiryMonth}}', m: '{{expiryMonthNumber}}' },
      year: ['{{expiryYear}}', '{{expiryYearNumber}}', null, true, 7],
    };
    expect(JSON.parse(fill(json(fields)))).toEqual({
      card: { number: card.number, cvc: '737', month: '03', m: 3 },
      year: ['2031', 2031, null, true, 7],
    });
  });

  test('goes without a security code that is not known any more', () => {
    const fields = { card: { number: '{{number}}', cvc: '{{cvc}}' } };
    expect(fill(json(fields), null)).toBe('{"card":{"number":"4242424242424242"}}');
  });

  test('never carries the number but in its one field, whatever else a caller writes', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.constantFrom('{{number}}', '{{cvc}}', '{{expiryYear}}', 'x{{number}}', '{{ number }}', '{{NUMBER}}'),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 8 }), texts), fc.array(texts), (more, list) => {
        let text: string;
        try {
          text = fill(json({ ...more, list, card: { number: '{{number}}' } }));
        } catch (error) {
          expect(error).toMatchObject({ code: 'template-refused' });
          return;
        }
        expect(text.split(card.number)).toHaveLength(2);
        expect(JSON.parse(text)).toMatchObject({ card: { number: card.number } });
      }),
      { numRuns: 500 },
    );
  });

  test('cannot name a field so that it passes for another', () => {
    expect(() => fill(json({ 'card.number': '{{number}}' }))).toThrow('a name that may not be');
  });

  test('with a form sets every field by its whole name', () => {
    const body: TemplateBody = {
      encoding: 'form',
      fields: { 'card.number': '{{number}}', 'a&b=c': 'd&e', 'card.cvc': '{{cvc}}' },
    };
    expect(Object.fromEntries(new URLSearchParams(fill(body)))).toEqual({
      'card.number': card.number,
      'a&b=c': 'd&e',
      'card.cvc': '737',
    });
  });
});
