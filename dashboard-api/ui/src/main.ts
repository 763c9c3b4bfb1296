// The page's entry: styles, the one component, the live connection.
import { mount } from 'svelte';
import App from './App.svelte';
import { live, restWhileHidden } from './lib/connection.svelte';
import './styles/tokens.css';
import './styles/base.css';
import './styles/table.css';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app');

live.start();
restWhileHidden();
export default mount(App, { target });
