// The page by which a browser comes in: its origin keeps the secret, which no other port gets to see, and goes on.
try {
  localStorage.setItem("mundap-secret", document.currentScript.dataset.secret);
} finally {
  location.replace("../");
}
