/** The API's own description: OpenAPI 3.1, a reference page that loads nothing from outside, and the list of problems. */
import { readFile } from 'node:fs/promises';
import { moduleNames } from '#domain/modules.ts';
import type { Api } from './app.ts';
import { addCommonAnswers } from './common-answers.ts';
import { problemsBody } from './problems-page.ts';

/** Built into images; a checkout has the package itself. */
const referenceScripts = [
  new URL('../dist/vendor/scalar.js', import.meta.url),
  new URL('../node_modules/@scalar/api-reference/dist/browser/standalone.js', import.meta.url),
];

const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Page settings: no fonts, no telemetry, no assistant, no buttons that lead elsewhere. */
const startScript = `Scalar.createApiReference('#reference', ${JSON.stringify({
  url: '/openapi.json',
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: 'never',
  agent: { disabled: true },
  mcp: { disabled: true },
  theme: 'default',
})});`;

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
</head>
<body>${body}</body>
</html>`;

const referencePage = page(
  'Pitboss API',
  '<div id="reference"></div><script src="/docs/scalar.js"></script><script src="/docs/start.js"></script>',
);

const problemsPage = page('Pitboss API problems', problemsBody);

const description = `Players use \`/v1\` with a session token, staff \`/admin/v1\` with theirs. Amounts are decimal strings, never numbers.
Requests that move or reserve money carry an \`Idempotency-Key\`: a repeat answers with the first result.
Errors are [problem documents](/docs/problems).`;

/** The OpenAPI 3.1 document of everything that is mounted. */
export function describeApi(api: Api) {
  const document = api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Pitboss',
      version: '0.1.0',
      description,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
    tags: moduleNames.map((name) => ({ name })),
  });
  addCommonAnswers(document);
  return document;
}

export function mountDocs(api: Api): void {
  api.openAPIRegistry.registerComponent('securitySchemes', 'playerSession', {
    type: 'http',
    scheme: 'bearer',
  });
  api.openAPIRegistry.registerComponent('securitySchemes', 'operatorSession', {
    type: 'http',
    scheme: 'bearer',
  });

  let document: string | null = null;
  api.get('/openapi.json', (c) => {
    document ??= JSON.stringify(describeApi(api));
    return c.body(document, 200, { 'content-type': 'application/json; charset=utf-8' });
  });
  const html = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy,
  };
  const script = {
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=3600',
  };
  // Who opens the bare address in a browser wants to know what is here.
  api.get('/', (c) => c.redirect('/docs', 302));
  api.get('/docs', (c) => c.body(referencePage, 200, html));
  api.get('/docs/problems', (c) => c.body(problemsPage, 200, html));
  api.get('/docs/start.js', (c) => c.body(startScript, 200, script));

  let reference: Promise<string> | null = null;
  api.get('/docs/scalar.js', async (c) => {
    reference ??= readReferenceScript();
    return c.body(await reference, 200, script);
  });
}

/** The page's own zod would try whether it may make code from text, which the policy forbids and the browser reports. */
const withoutEval = 'globalThis.__zod_globalConfig = { jitless: true };\n';

async function readReferenceScript(): Promise<string> {
  for (const address of referenceScripts) {
    const text = await readFile(address, 'utf8').catch(() => null);
    if (text !== null) return withoutEval + text;
  }
  return 'document.body.textContent = "The reference page is not part of this installation; /openapi.json is.";';
}
