/** Bodies and signatures that no honest caller sends: forged, odd, broken, slow and cut off. */
import { close, note, times, type Performance } from './trick-parts.ts';

export const badSignature: Performance = async ({ order, wire, book, calls, report }) => {
  const round = book.openRound(order);
  const bet = book.decide(round, 'bet', order.stake, null, true);
  const { text } = wire.transactions(round, [bet]);
  const genuine = wire.proof(text);
  const changed = (change: (value: string) => string) =>
    Object.fromEntries(
      Object.entries(genuine).map(([name, value]) => [name, name.includes('sign') ? change(value) : value]),
    );
  const forgeries = [
    ['signed with another key', { forged: true }],
    ['without a signature', { proof: {} }],
    ['with the signature of another body', { proof: wire.proof(`${text} `) }],
    ['with one byte more than was signed', { rawBody: `${text} `, proof: genuine }],
    ['with an empty signature', { proof: changed(() => '') }],
    ['with half a signature', { proof: changed((value) => value.slice(0, value.length / 2)) }],
    ['with something that is no signature', { proof: changed(() => 'not-a-signature') }],
  ] as const;
  for (const [what, forgery] of forgeries) {
    const { status } = await calls.send(round, bet, report, what, forgery);
    report.expect(`a bet ${what}`, wire.words.forged, status);
  }
  book.settle(bet, 'refused', null, forgeries.length);
  book.setRoundStatus(round.id, 'void');
};

/** Amounts that a wallet must not guess about. */
export const oddAmounts: Performance = async ({ order, wire, book, calls, report }) => {
  for (const [written, expected] of wire.oddAmounts) {
    const round = book.openRound(order);
    const bet = book.decide(round, 'bet', order.stake, null, true);
    const { text } = wire.transactions(round, [bet]);
    const rawBody = text.replace(/"amount":("[^"]*"|\d+)/, () => `"amount":${written}`);
    const { status } = await calls.send(round, bet, report, `amount written as ${written}`, { rawBody });
    report.expect(`an amount written as ${written}`, expected, status);
    book.settle(bet, 'refused', status ?? null, 1);
    book.setRoundStatus(round.id, 'void');
  }
};

/** Bodies that are signed and still no call. */
export const malformed: Performance = async ({ order, wire, book, calls, report }) => {
  const round = book.openRound(order);
  const bet = book.decide(round, 'bet', order.stake, null, true);
  const { text } = wire.transactions(round, [bet]);
  const inside = (more: string) => `${text.slice(0, -1)},${more}}`;
  const bodies: readonly (readonly [what: string, body: string | Buffer])[] = [
    ['nothing', ''],
    ['no JSON', 'user=player&amount=1'],
    ['a list', '[]'],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['half a call', text.slice(0, text.length / 2)],
    ['two calls in one', text + text],
    ['a repeated key', inside(`"currency":"${round.currency}"`)],
    [
      'bytes that are no UTF-8',
      Buffer.concat([
        Buffer.from(inside('"note":"').slice(0, -1)),
        Buffer.from([0xc3, 0x28]),
        Buffer.from('"}'),
      ]),
    ],
    ['ids that are no text', text.replaceAll(`"${bet.uuid}"`, '12')],
    ['no ids', text.replaceAll(`"${bet.uuid}"`, 'null')],
    ['very deep nesting', inside(`"note":${'['.repeat(20_000)}${']'.repeat(20_000)}`)],
  ];
  for (const [what, rawBody] of bodies) {
    const { status } = await calls.send(round, bet, report, what, { rawBody });
    report.expect(`${what} in place of a bet`, wire.words.malformed, status);
  }
  book.settle(bet, 'refused', null, bodies.length);
  book.setRoundStatus(round.id, 'void');
};

/** A body that dribbles in is a call like any other; one that is cut off never was one. */
export const slowBodies: Performance = async (parts) => {
  const { order, wire, book, calls, report } = parts;
  const slow = await Promise.all(
    times(Math.min(order.count, 10)).map(async () => {
      const round = book.openRound(order);
      const bet = book.decide(round, 'bet', order.stake, null, true);
      await calls.send(round, bet, report, 'cut off in the middle', { cutBody: true });
      const answer = await calls.send(round, bet, report, 'in ten pieces', {
        bodyOverMs: 400,
        timeoutMs: 30_000,
      });
      report.expect('a bet that arrives in pieces', [wire.ok, ...wire.words.notEnough], answer.status);
      note(parts, [bet], answer);
      return round;
    }),
  );
  for (const round of slow) await close(parts, round, 'finished');
};
