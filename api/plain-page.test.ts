import { createHash } from 'node:crypto';
import { html } from 'hono/html';
import { describe, expect, it } from 'vitest';
import { plainPage, plainPageHeaders } from './plain-page.ts';

describe('a plain page', () => {
  it('allows exactly the style that it carries', async () => {
    const page = String(await plainPage('A title', html`<h1>A body</h1>`));
    const [, style] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
    const digest = createHash('sha256')
      .update(style ?? '')
      .digest('base64');
    expect(plainPageHeaders['Content-Security-Policy']).toContain(`style-src 'sha256-${digest}'`);
  });

  it('shows what is put into it and runs none of it', async () => {
    const page = String(
      await plainPage('<b>', html`<p title="${'"><script>'}">${'<script>alert(1)</script>'}</p>`),
    );
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });
});
