// Uses the page of the API as a person does: logs in, authorizes, and tries the main operations from the examples that
// the page fills in. Only what nobody could know is typed: ids, a password, a search, a file.
//
//     DOSSIER_URL=… DOSSIER_EMAIL=… DOSSIER_PASSWORD=… DOSSIER_TOKEN=… node docs.mjs FOLDER     screenshots go to FOLDER

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { DOSSIER_URL, DOSSIER_EMAIL, DOSSIER_PASSWORD, DOSSIER_TOKEN, CHROMIUM = '/usr/bin/chromium' } = process.env;
const folder = process.argv[2];
const user = mkdtempSync(join(tmpdir(), 'chromium-'));
const problems = [];

const browser = await chromium.launchPersistentContext(user, {
    executablePath: CHROMIUM,
    headless: true,
    viewport: { width: 1280, height: 1000 },
    args: [
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
    ],
});
const page = await browser.newPage();
page.setDefaultTimeout(30_000);
page.on('pageerror', error => problems.push(`an error on the page: ${error}`));
page.on('console', message => {
    // A refused request is seen by its status.
    // Swagger UI says the other of every token that isn't kept in a cookie, and it should not be.
    const known = /^Failed to load resource|^Error persisting cookie based apiKey/;
    if (message.type() === 'error' && !known.test(message.text())) {
        problems.push(`on the console: ${message.text()}`);
    }
});
page.on('request', request => {
    const url = request.url();
    if (!url.startsWith(`${DOSSIER_URL}/`) && !url.startsWith('data:') && !url.startsWith('blob:')) {
        problems.push(`asks another host: ${url}`);
    }
});

const seen = name => page.screenshot({ path: join(folder, `${name}.png`) });

/** Puts a token into "Authorize", and takes an earlier one out. */
async function authorize(token) {
    await page.locator('.auth-wrapper button.authorize').click();
    const dialog = page.locator('.dialog-ux');
    const logout = dialog.locator('button', { hasText: 'Logout' });
    if (await logout.count()) {
        await logout.click();
    }
    await dialog.locator('input').fill(token);
    await dialog.locator('button.authorize[type=submit]').click();
    await logout.waitFor();
    await seen('authorize');
    await dialog.locator('button.btn-done').click();
}

/**
 * Opens an operation, types into its parameters, changes ids in its body, presses Execute, and tells the answer.
 * `body` gets what the page filled in, and may change it.
 */
async function attempt(operation, { parameters = {}, body, file, type, keep } = {}) {
    const block = page.locator(`.opblock[id$="-${operation}"]`);
    await block.scrollIntoViewIfNeeded();
    await block.locator('.opblock-summary-control').click();
    await block.locator('.btn.execute').waitFor();
    for (const [name, value] of Object.entries(parameters)) {
        const row = block.locator(`tr[data-param-name="${name}"]`);
        const select = row.locator('select');
        if (await select.count()) {
            await select.selectOption(value);
        } else {
            await row.locator('input').first().fill(value);
            await row.locator('input').first().blur();
        }
    }
    if (type) {
        await block.locator('select[aria-label="Request content type"]').selectOption(type);
    }
    if (body) {
        const text = block.locator('textarea.body-param__text');
        const changed = JSON.parse(await text.inputValue());
        body(changed);
        await text.fill(JSON.stringify(changed, null, 2));
        await text.blur(); // what is typed counts from then on
    }
    if (file) {
        await block.locator('input[type=file]').setInputFiles(file);
    }
    const answered = page.waitForResponse(response => response.request().resourceType() === 'fetch', { timeout: 60_000 });
    await block.locator('.btn.execute').click();
    const status = (await answered).status();
    // What the page shows of it, since that is what a person sees.
    const shown = block.locator('.live-responses-table tbody tr.response').first();
    await shown.locator('.response-col_status').waitFor();
    const text = await shown.innerText();
    let json = {};
    try {
        json = await (await answered).json();
    } catch {
        // A file, or nothing.
    }
    if (status < 200 || status > 299 || !text.startsWith(`${status}`)) {
        problems.push(`${operation}: ${status} ${text.slice(0, 2000)}`);
        await seen(`failed ${operation}`);
    }
    console.log(`  ${status} ${operation}`);
    if (keep) {
        await seen(keep);
    }
    await block.locator('.opblock-summary-control').click();
    return json;
}

try {
    await page.goto(`${DOSSIER_URL}/docs/`);
    await page.locator('.opblock').first().waitFor();
    await page.getByText('Authorize', { exact: true }).first().waitFor();
    await seen('docs');

    console.log('with the token that the first start printed');
    await authorize(DOSSIER_TOKEN);
    await attempt('get_me');

    console.log('logged in');
    const session = await attempt('login', {
        body: login => Object.assign(login, { email: DOSSIER_EMAIL, password: DOSSIER_PASSWORD }),
    });
    await authorize(session.access_token ?? '');

    const me = await attempt('get_me');
    const organization = await attempt('get_organization');
    await attempt('update_organization');
    await attempt('list_users');
    await attempt('create_user');
    const channels = (await attempt('list_channels')).data ?? [];
    const made = await attempt('create_channel');
    await attempt('update_channel', { parameters: { id: made.id } });
    await attempt('create_profile_field');
    await attempt('list_profile_fields');

    const conversations = (await attempt('list_conversations', { keep: 'conversations' })).data ?? [];
    await attempt('count_conversations');
    const conversation = conversations.find(one => one.profile === null && one.medium !== 'voice') ?? {};
    const here = { parameters: { id: conversation.id } };
    await attempt('get_conversation', here);
    await attempt('list_messages', here);
    await attempt('list_conversation_contacts', here);
    await attempt('mark_read', here);
    await attempt('get_sidebar', here);

    const created = await attempt('create_profile');
    const contact = { parameters: { id: conversation.contact_id } };
    const attached = await attempt('attach_contact', contact);
    const profile = { parameters: { id: attached.profile?.id } };
    await attempt('list_profiles');
    await attempt('list_profiles', { parameters: { q: 'ada' } });
    await attempt('get_profile', profile);
    await attempt('update_profile', profile);
    await attempt('list_profile_contacts', profile);
    await attempt('list_profile_contact_moments', profile);
    await attempt('list_profile_contact_moments', { parameters: { ...profile.parameters, q: 'a' } });
    await attempt('list_profile_attachments', profile);
    await attempt('list_profile_history', profile);
    const note = await attempt('create_profile_note', { ...profile, body: note => replaceIds(note, me.id) });
    await attempt('get_note', { parameters: { id: note.id } });
    await attempt('list_profile_notes', profile);
    await attempt('get_sidebar', { ...here, keep: 'sidebar' });

    const picture = join(folder, 'cracked shade.txt');
    writeFileSync(picture, 'a crack, drawn in letters');
    const file = await attempt('create_attachment', { file: picture, keep: 'upload' });
    await attempt('get_attachment', { parameters: { id: file.id } });
    await attempt('get_attachment_content', { parameters: { id: file.id } });
    await attempt('create_message', { ...here, body: message => replaceIds(message, file.id) });
    await attempt('update_conversation', here);

    await attempt('list_contacts');
    // The example's address is the first profile's contact by now.
    const other = await attempt('create_contact', {
        body: contact => Object.assign(contact, { address: 'grace@example.com' }),
    });
    const email = channels.find(one => one.medium === 'email')?.id;
    await attempt('create_conversation', {
        body: begun => Object.assign(begun, { channel_id: email, contact_id: other.id }),
    });
    const whatsapp = channels.find(one => one.medium === 'whatsapp')?.id;
    await attempt('receive_message', { parameters: { id: whatsapp }, type: 'application/json' });
    await attempt('detach_contact', contact);
    await attempt('delete_profile', { parameters: { id: created.id } });
    await attempt('list_changes');
} catch (error) {
    problems.push(`${error.stack}`);
    await seen('failed');
} finally {
    await browser.close();
    rmSync(user, { recursive: true, force: true });
}

/** Puts an id in the place of every id that the page made up. */
function replaceIds(value, id) {
    for (const [key, member] of Object.entries(value)) {
        if (typeof member === 'string' && /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(member)) {
            value[key] = id;
        } else if (member && typeof member === 'object') {
            replaceIds(member, id);
        }
    }
    return value;
}

if (problems.length) {
    console.error(problems.join('\n'));
    process.exit(1);
}
