"""What tags and classes of HTML mean for who looks for somebody's words in a page."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOID = _words("area base br col embed frame hr img input link meta param source track wbr")
UNCLOSED = _words(
    "li dt dd tr td th option thead tbody colgroup b i em strong font u s small big tt sub sup"
)
"""Tags that people do not close, or that say nothing: none of them is waited for."""
SILENT = _words("script style template noscript textarea select button svg object iframe")
BREAKS = _words(
    "address article aside body center dd details dialog div dl dt fieldset figcaption footer form "
    "header hgroup hr html legend li main nav ol p section summary td th tr ul menu "
    "blockquote"
)
HEADINGS = _words("h1 h2 h3 h4 h5 h6")
MEDIA = _words("pre table figure video audio canvas math picture map")
ENDS_A_BLOCK = BREAKS | HEADINGS | MEDIA
AROUND = _words("nav footer header aside form dialog menu blockquote")
ROLES = _words("navigation banner contentinfo search complementary dialog")
AROUND_CLASSES = _words(
    "nav navbar navigation menu sidebar breadcrumb breadcrumbs comments comment comment-list "
    "related related-posts share sharing social sharedaddy pagination pager newsletter subscribe "
    "cookie cookie-banner post-meta entry-meta post-navigation toc table-of-contents docinfo "
    "contents topic site-header site-footer byline"
)
UNSEEN_CLASSES = _words(
    "footnote-ref footnote-reference footnote-backref brackets headerlink anchor heading-anchor "
    "sr-only visually-hidden screen-reader-text fn-bracket admonition-title"
)
TEXT_CLASSES = _words(
    "entry-content post-content e-content article-content post-body article-body markdown-body"
)
PICTURES = _words("img embed iframe object svg source")
FEEDS = _words("application/rss+xml application/atom+xml")
DATES = _words("article:published_time date dc.date dcterms.date datepublished pubdate")
