// Copy buttons. Without this script the pages say the same; the buttons are just not there.
'use strict';

const said = document.getElementById('said');

async function toClipboard(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (!copied) {
    throw new Error('not copied');
  }
}

async function wanted(button) {
  if (!button.dataset.copyFrom) {
    return button.dataset.copy;
  }
  const answer = await fetch(button.dataset.copyFrom);
  if (!answer.ok) {
    throw new Error(`status ${answer.status}`);
  }
  return answer.text();
}

async function copy(button) {
  const label = button.dataset.label || button.textContent;
  button.dataset.label = label;
  try {
    await toClipboard(await wanted(button));
    button.textContent = 'Copied';
  } catch (_) {
    button.textContent = 'Select it and copy';
  }
  said.textContent = button.textContent;
  setTimeout(() => {
    button.textContent = label;
    said.textContent = '';
  }, 2000);
}

for (const block of document.querySelectorAll('pre')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.dataset.copy = block.dataset.copy || block.textContent.trimEnd();
  button.textContent = 'Copy';
  button.setAttribute('aria-label', 'Copy this example');
  block.append(button);
}
for (const button of document.querySelectorAll('button.copy')) {
  button.hidden = false;
  button.addEventListener('click', () => copy(button));
}

// A page that shows what is happening looks again, while somebody can see it and is not reading in it.
const live = document.querySelector('[data-live]');
if (live) {
  setInterval(async () => {
    const reading = live.contains(document.activeElement) || live.querySelector('details[open]');
    if (document.visibilityState !== 'visible' || reading) {
      return;
    }
    try {
      const answer = await fetch(live.dataset.from || location.href, { headers: { Accept: 'text/html' } });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.getElementById(live.id);
      if (answer.ok && fresh && fresh.innerHTML !== live.dataset.shown) {
        live.dataset.shown = fresh.innerHTML;
        live.replaceChildren(...fresh.childNodes);
      }
    } catch (_) {
      // the next look may succeed
    }
  }, Number(live.dataset.live) * 1000);
}
