/** Whoever follows the `type` of a problem finds its code, status, meaning and what to do, and is sent nowhere else. */
import { expect, test } from 'vitest';
import { failureCodes } from '#domain/failures.ts';
import { problemMeanings } from './problem-meanings.ts';
import { statusOf } from './problem.ts';
import { problemsBody } from './problems-page.ts';

test.each(failureCodes)(
  '%s has one place on the page, with a sentence of what it is and of what to do',
  (code) => {
    const places = problemsBody.split(`<tr id="${code}">`);
    expect(places).toHaveLength(2);
    const [, status, means, next] = (places[1]?.split('</tr>')[0] ?? '')
      .split('</td><td>')
      .map((cell) => cell.replaceAll(/<[^>]+>/g, ''));
    expect(status).toBe(String(statusOf(code)));
    expect(means).toMatch(/^[A-Z`].{10,}\.$/);
    expect(next).toMatch(/^[A-Z`].{6,}\.$/);
  },
);

test('no meaning stands there twice by mistake, and none is of a code that is gone', () => {
  expect(Object.keys(problemMeanings).toSorted()).toEqual([...failureCodes].toSorted());
  const said = Object.values(problemMeanings).map(({ means, next }) => `${means} ${next}`);
  // The two links of a mail are one thing to whoever has them.
  expect(said.length - new Set(said).size).toBe(1);
});

test('the page loads nothing, from outside or from here', () => {
  expect(problemsBody).not.toMatch(
    /\b(?:src|srcset|action|data)=|url\(|@import|<(?:script|link|img|iframe|object)/i,
  );
  expect([...problemsBody.matchAll(/href="([^"]*)"/g)].every(([, to]) => to?.startsWith('#'))).toBe(true);
});
