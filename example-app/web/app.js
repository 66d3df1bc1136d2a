// The example app, without a build: what matters for updates is at the end of start().
'use strict';

const LANGUAGES = { en: 'English', de: 'Deutsch', es: 'Español' };

/** Reads a JSON file of this very bundle. */
async function load(path) {
  const response = await fetch(path, { cache: 'no-store' });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

function show(texts) {
  for (const element of document.querySelectorAll('[data-text]')) {
    element.textContent = texts[element.dataset.text] ?? element.textContent;
  }
  document.querySelector('#walks').replaceChildren(
    ...texts.walkList.map(([name, length]) => {
      const item = document.createElement('li');
      const about = document.createElement('span');
      about.textContent = length;
      item.append(name, about);
      return item;
    }),
  );
}

async function choose(language) {
  show(await load(`locales/${language}.json`));
  document.documentElement.lang = language;
}

/** The plugin: there in the app, absent in a browser. */
function plugin() {
  const plugins = window.Capacitor?.Plugins;
  return plugins?.Ota ?? plugins?.CapacitorUpdater;
}

async function start() {
  const preferred = navigator.language.slice(0, 2);
  const language = preferred in LANGUAGES ? preferred : 'en';
  const select = document.querySelector('#language');
  for (const [code, name] of Object.entries(LANGUAGES)) {
    select.append(new Option(name, code, code === language, code === language));
  }

  const [{ version }] = await Promise.all([load('version.json'), choose(language)]);
  document.querySelector('#version').textContent = version;

  // The page is up. Said only now: a bundle that does not get this far is taken back by the device.
  const state = document.querySelector('#state');
  const ota = plugin();
  if (ota) await ota.notifyAppReady();
  state.dataset.text = ota ? 'ready' : 'browser';
  select.addEventListener('change', () => choose(select.value));
  await choose(language);
}

// The script is deferred: the page has been read by now.
start();
