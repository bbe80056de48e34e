import { describe, expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import { redactText } from './redaction.ts';

/** The lines that a logger writes for what `say` logs. */
function linesOf(say: (log: ReturnType<typeof createLogger>) => void): string {
  let text = '';
  say(createLogger({ logLevel: 'trace' }, 'test', { write: (line) => void (text += line) }));
  return text;
}

const secrets = {
  email: 'jane.doe@example.org',
  card: '4242 4242 4242 4242',
  token: 'tok_3f9d8e7c6b5a4',
  password: 'correct horse battery',
};

describe('the log', () => {
  test.each([
    [
      'in fields',
      {
        email: secrets.email,
        password: secrets.password,
        accessToken: secrets.token,
        cardNumber: secrets.card,
      },
    ],
    [
      'in nested fields and lists',
      { request: { headers: [{ authorization: `Bearer ${secrets.token}`, cookie: secrets.token }] } },
    ],
    ['in free text', { note: `mail to ${secrets.email}, card ${secrets.card}, Bearer ${secrets.token}` }],
    [
      'in an error',
      { error: new Error(`refused for ${secrets.email}`, { cause: new Error(`card 4242424242424242`) }) },
    ],
    ['in an address', { url: `postgres://pitboss:${secrets.token}@db/pitboss` }],
  ])('shows no secret %s', (_where, fields) => {
    const text = linesOf((log) => log.info(fields, 'said'));
    for (const secret of [...Object.values(secrets), '4242424242424242']) expect(text).not.toContain(secret);
    expect(text).toContain('[redacted]');
  });

  test('shows no secret of a message, an interpolated value or a child', () => {
    const text = linesOf((log) => {
      log.warn(`mail to ${secrets.email}`);
      log.warn('mail to %s', secrets.email);
      log.child({ authorization: secrets.token }).warn('of a child');
    });
    expect(text.split('\n')).toHaveLength(4);
    for (const secret of Object.values(secrets)) expect(text).not.toContain(secret);
  });

  test('keeps what operations need: ids, amounts, codes and the stack', () => {
    const fields = {
      requestId: 'req-1',
      playerId: '0195e2ce-7f1f-7c1e-8f2a-4242424242ab',
      units: '-40000000000002',
      journalId: 12n,
    };
    const line: unknown = JSON.parse(
      linesOf((log) =>
        log.child({ workflowId: 'deposit:1' }).error({ ...fields, error: new TypeError('odd') }, 'kept'),
      ),
    );
    expect(line).toMatchObject({
      ...fields,
      journalId: '12',
      workflowId: 'deposit:1',
      msg: 'kept',
      level: 'error',
      error: { type: 'TypeError', message: 'odd', stack: expect.stringContaining('redaction.test') },
    });
  });

  test('takes a number for a card only when its check digit says so', () => {
    expect(redactText('4242424242424242')).toBe('[redacted]');
    expect(redactText('4242424242424241')).toBe('4242424242424241');
  });
});
