// Runs before the page is painted, so that nobody sees it in the other colours first.
const chosen = localStorage.getItem('reprise-theme');
document.documentElement.dataset.theme = chosen === 'light' || chosen === 'dark' ? chosen : 'auto';
