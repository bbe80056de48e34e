/** The mailbox as a separate process, written to by nodemailer over real SMTP. */
import { createTransport } from 'nodemailer';
import { afterAll, expect, test } from 'vitest';
import { createTemporaryDirectory, startParty } from '../support/party-process.ts';

const directory = createTemporaryDirectory();
afterAll(() => directory.remove());

interface Mail {
  from: string;
  to: string[];
  subject: string;
  text: string;
  html: string;
  links: string[];
}

test('mails are kept by recipient, newest first, and survive kill -9', async () => {
  const start = () => startParty('mailbox', { STATE_DIR: directory.path, SMTP_PORT: '0' });
  let mailbox = await start();
  const read = async (path: string) => (await (await fetch(`${mailbox.url}${path}`)).json()) as Mail[];
  const smtpPort = mailbox.log.find((entry) => entry['event'] === 'smtp_listening')?.['port'] as number;

  const transport = createTransport({ host: '127.0.0.1', port: smtpPort, secure: false });
  const send = (to: string, subject: string) =>
    transport.sendMail({
      from: 'Pitboss <no-reply@pitboss.test>',
      to,
      bcc: 'audit@pitboss.test',
      subject,
      text: 'Grüße: https://pitboss.test/verify?token=a&b=1',
      html: '<p>Grüße: <a href="https://pitboss.test/verify?token=a&amp;b=1">here</a></p>',
    });
  await send('Ann@player.test', 'First');
  await send('ann@player.test', 'Second');
  await send('bob@player.test', 'Third');
  transport.close();

  expect((await read('/messages?to=ann@player.test')).map((mail) => mail.subject)).toEqual([
    'Second',
    'First',
  ]);
  expect(await read('/messages?to=audit@pitboss.test')).toHaveLength(3);
  await mailbox.stop('SIGKILL');
  mailbox = await start();

  const [mail] = await read('/messages?to=bob@player.test');
  expect(mail).toMatchObject({ subject: 'Third', links: ['https://pitboss.test/verify?token=a&b=1'] });
  expect(mail?.text).toContain('Grüße');
  expect(await (await fetch(`${mailbox.url}/`)).text()).toContain('Third');
  await fetch(`${mailbox.url}/messages`, { method: 'DELETE' });
  expect(await read('/messages')).toEqual([]);
  expect(await mailbox.stop()).toBe(0);
});
