/* SPDX-License-Identifier: Apache-2.0 */
#include "core/xml/xml.h"

#include <apr_strings.h>

#include "forge.h"
#include "test.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static apr_pool_t *p;

static void setup(void)
{
    p = test_pool();
}

static void teardown(void)
{
    apr_pool_destroy(p);
}

static samlc_reason_t parse_bytes(xmlDocPtr *doc, const samlc_data_t *data,
                                  const samlc_xml_limits_t *limits)
{
    samlc_result_t *res = samlc_result_make(p);
    apr_status_t rv = samlc_xml_parse(doc, data, limits, res, p);

    ck_assert_int_eq(rv == APR_SUCCESS, *doc != NULL);
    ck_assert_int_eq(rv == APR_SUCCESS, res->reason == SAMLC_REASON_OK);
    return res->reason;
}

static samlc_reason_t reason_of(const char *xml)
{
    samlc_data_t data = test_data(xml, "test");
    xmlDocPtr doc = NULL;

    return parse_bytes(&doc, &data, &SAMLC_XML_MESSAGE);
}

/* The root of a document that must parse. */
static xmlNodePtr parse(const char *xml)
{
    samlc_data_t data = test_data(xml, "test");
    xmlDocPtr doc = NULL;

    ck_assert_msg(parse_bytes(&doc, &data, &SAMLC_XML_MESSAGE) == SAMLC_REASON_OK, "%s", xml);
    return xmlDocGetRootElement(doc);
}

/* --- what is XML here ----------------------------------------------------------------------- */

static const char *const good[] = {
    "<a/>",
    "<a></a>",
    " \n<a/>\n",
    "<?xml version=\"1.0\"?><a/>",
    "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<a/>",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>",
    "<?xml\tversion=\"1.0\"\nencoding=\"UTF-8\"?><a/>",
    "<?xml-stylesheet href='1.1'?><a/>",
    "\xEF\xBB\xBF<a/>",
    "\xEF\xBB\xBF<?xml version=\"1.0\"?><a/>",
    "<a b='>' c=\"/a>\" d='\"'/>",
    "<a>\"text' with &lt;quotes&gt; &amp; \xC3\xA4 &#xE4; &#13;</a>",
    "<a><!-- <b> --><![CDATA[<b>]]]]></a>",
    "<a><?pi <b> ?></a>",
    "<a xmlns='urn:a' xmlns:b='http://b/' b:id='1' ID='1' id='1'/>",
    "<a xmlns='urn:a'><b xmlns=''/></a>",
    "<a xmlns:a='x+y.z-1:'/>",
    "<a xml:lang='en' xml:space='preserve' xml:base='http://b/'/>",
};

START_TEST(test_good)
{
    ck_assert_msg(reason_of(good[_i]) == SAMLC_REASON_OK, "%s", good[_i]);
}
END_TEST

static const char *const bad[] = {
    "",
    " ",
    "text",
    "<!-- a -->",
    "<?xml version='1.0'?>",
    "<a>",
    "</a>",
    "<a></b>",
    "<a/><b/>",
    "<a/>text",
    "text<a/>",
    "<a b=1/>",
    "<a b='1' b='2'/>",
    "<a xmlns:x='urn:x' xmlns:y='urn:x' x:b='1' y:b='2'/>",
    "<a b='<'/>",
    "<a b='1",
    "<a <b/>>",
    "<a>]]></a>",
    "<a><!-- -- --></a>",
    "<a><!-- </a>",
    "<a><![CDATA[ </a>",
    "<a><? </a>",
    "<a>&</a>",
    "<a>&unknown;</a>",
    "<a>&#0;</a>",
    "<a>&#1;</a>",
    /* DOCTYPE in all forms, and other declarations */
    "<!DOCTYPE a><a/>",
    "<!doctype a><a/>",
    "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
    "<!DOCTYPE a PUBLIC '-//X' 'http://127.0.0.1:9/'><a/>",
    "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
    "<!DOCTYPE a [<!ENTITY % e SYSTEM 'file:///etc/passwd'> %e;]><a/>",
    "<!DOCTYPE a [<!ATTLIST a ID CDATA 'evil'>]><a/>",
    "<?xml version='1.0'?>\n<!--c-->\n<!DOCTYPE a><a/>",
    "<a><!DOCTYPE a></a>",
    "<a/><!DOCTYPE a>",
    "<a><!ENTITY e 'x'></a>",
    /* versions and encodings */
    "<?xml version='1.1'?><a/>",
    "<?xml version=\"2.0\"?><a/>",
    "<?xml\tversion='1.1'?><a/>",
    "<?xml\nversion='1.0' encoding='UTF-7'?><a/>",
    "<?xml\rversion='1.0' encoding='IBM037'?><a/>",
    "<?xml version='1.0' encoding='UTF-16'?><a/>",
    "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
    "<?xml version='1.0' encoding=\"utf-7\" standalone=\"utf-8\"?><a/>",
    "<?xml encoding='UTF-8'?><a/>",
    " <?xml version='1.0'?><a/>",
    "<a><?xml version='1.0'?></a>",
    "<a>\xE4</a>",
    "<a>\xC0\x80</a>",
    "<a>\xED\xA0\x80</a>",
    "<a>\xFF\xFE</a>",
    "<a>\x01</a>",
    "<a>\x1B</a>",
    /* namespaces */
    "<x:a/>",
    "<a x:b='1'/>",
    "<a xmlns:x=''/>",
    "<a xmlns='relative'/>",
    "<a xmlns:x='../x'/>",
    "<a xmlns:x='//host/x'/>",
    "<a xmlns:x='?x:y'/>",
    "<a><b xmlns:x='1x:y'/></a>",
    "<a xmlns:xml='urn:x'/>",
    "<a xmlns:xmlns='urn:x'/>",
    "<a xmlns:x='http://www.w3.org/2000/xmlns/'/>",
    "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
    /* xml:id registers itself */
    "<a xml:id='x'/>",
    "<a><b><c xml:id='x'/></b></a>",
    "<a xmlns:q='http://www.w3.org/XML/1998/namespace' q:id='x'/>",
};

START_TEST(test_bad)
{
    ck_assert_msg(reason_of(bad[_i]) == SAMLC_REASON_MALFORMED, "%s", bad[_i]);
}
END_TEST

/* With or without a byte order mark: bytes that are not UTF-8 do not get past the scan. */
START_TEST(test_utf16)
{
    static const unsigned char with_mark[] = "\xFF\xFE<\0a\0/\0>\0";
    static const unsigned char without[] = "\0<\0a\0/\0>";
    samlc_data_t data = { _i == 0 ? with_mark : without,
                          _i == 0 ? sizeof(with_mark) - 1 : sizeof(without) - 1, "test" };
    xmlDocPtr doc = NULL;

    ck_assert_int_eq(parse_bytes(&doc, &data, &SAMLC_XML_MESSAGE), SAMLC_REASON_MALFORMED);
}
END_TEST

START_TEST(test_nul_byte)
{
    samlc_data_t data = { (const unsigned char *)"<a>x\0y</a>", 10, "test" };
    xmlDocPtr doc = NULL;

    ck_assert_int_eq(parse_bytes(&doc, &data, &SAMLC_XML_MESSAGE), SAMLC_REASON_MALFORMED);
    data.data = (const unsigned char *)"<a>x y</a>";
    ck_assert_int_eq(parse_bytes(&doc, &data, &SAMLC_XML_MESSAGE), SAMLC_REASON_OK);
}
END_TEST

/* --- limits --------------------------------------------------------------------------------- */

static const samlc_xml_limits_t small = { 60, 4, 3, 2 };

static const struct {
    const char *xml;
    samlc_reason_t reason;
} sizes[] = {
    { "<a>..............................................</a>", SAMLC_REASON_OK },
    { "<a>.....................................................</a>", SAMLC_REASON_OK },   /* 60 */
    { "<a>......................................................</a>", SAMLC_REASON_TOO_LARGE },
    { "<a><b/><b/><b/></a>", SAMLC_REASON_OK },
    { "<a><b/><b/><b/><b/></a>", SAMLC_REASON_TOO_LARGE },
    { "<a><b><c/><c/></b></a>", SAMLC_REASON_OK },
    { "<a><b><c></c></b></a>", SAMLC_REASON_OK },
    { "<a><b><c><d/></c></b></a>", SAMLC_REASON_TOO_LARGE },
    { "<a b='1' c='2'/>", SAMLC_REASON_OK },
    { "<a b='1' xmlns='x:' d='3'/>", SAMLC_REASON_TOO_LARGE },
    { "<a><b c='1' d='2' e=\"3\"/></a>", SAMLC_REASON_TOO_LARGE },
};

START_TEST(test_limits)
{
    samlc_data_t data = test_data(sizes[_i].xml, "test");
    xmlDocPtr doc = NULL;

    ck_assert_msg(parse_bytes(&doc, &data, &small) == sizes[_i].reason, "%s", sizes[_i].xml);
}
END_TEST

static const struct {
    const char *before, *one, *behind;
    int count;
} floods[] = {
    { "<a>", "<b/>", "</a>", 4999 },
    { "<a", " b='1'", "/>", 1 },
    { "<a>", "x", "</a>", 192 * 1024 - 7 },
};

/* The limits for messages: what is allowed passes, one more does not. */
START_TEST(test_message_limits)
{
    int i = 0;

    for (i = 0; i < 2; i++) {
        const char *xml = apr_pstrcat(p, floods[_i].before,
                                      forge_repeat(floods[_i].one, floods[_i].count + i, p),
                                      floods[_i].behind, NULL);

        ck_assert_int_eq(reason_of(xml) == SAMLC_REASON_OK, i == 0);
    }
}
END_TEST

START_TEST(test_attribute_limit)
{
    const char *xml = "<a";
    int i = 0;

    for (i = 0; i < 64; i++) {
        xml = apr_psprintf(p, "%s b%d=''", xml, i);
    }
    ck_assert_int_eq(reason_of(apr_pstrcat(p, xml, "/>", NULL)), SAMLC_REASON_OK);
    ck_assert_int_eq(reason_of(apr_pstrcat(p, xml, " c=''/>", NULL)), SAMLC_REASON_TOO_LARGE);
}
END_TEST

START_TEST(test_depth_limit)
{
    int i = 0;

    for (i = 32; i <= 33; i++) {
        const char *xml = apr_pstrcat(p, forge_repeat("<a>", i, p), forge_repeat("</a>", i, p),
                                      NULL);

        ck_assert_int_eq(reason_of(xml), i == 32 ? SAMLC_REASON_OK : SAMLC_REASON_TOO_LARGE);
    }
}
END_TEST

/* --- plaintext in its place ----------------------------------------------------------------- */

#define PLACE "<a xmlns='urn:a' xmlns:x='urn:x'><b>old<!--c--><c/></b></a>"

static const struct {
    const char *xml;
    const char *ns;      /* of the new element; NULL: refused */
} fillings[] = {
    { "<x:n/>", "urn:x" },
    { "<n/>", "urn:a" },
    { "<n xmlns='urn:n'>text<m/></n>", "urn:n" },
    { "<x:n xmlns:x='urn:other'/>", "urn:other" },
    { "", NULL },
    { "text", NULL },
    { "<n/><n/>", NULL },
    { "<n/>text", NULL },
    { "text<n/>", NULL },
    { "<n/><!--c-->", NULL },
    { "<n>", NULL },
    { "</b><n/><b>", NULL },
    { "</b></a><a><b><n/>", NULL },
    { "<!DOCTYPE n><n/>", NULL },
    { "<!DOCTYPE n [<!ENTITY e 'x'>]><n>&e;</n>", NULL },
    { "<n>&e;</n>", NULL },
    { "<n xml:id='x'/>", NULL },
    { "<n xmlns='relative'/>", NULL },
    { "<n><m xmlns:y='relative'/></n>", NULL },
    { "<y:n/>", NULL },
    { "<n><y:m/></n>", NULL },
    { "<n y:m=''/>", NULL },
    { "<?xml version='1.0'?><n/>", NULL },
    { "<?xml version='1.0' encoding='UTF-7'?>+ADw-n/+AD4-", NULL },
};

START_TEST(test_fill)
{
    xmlNodePtr place = samlc_xml_first(parse(PLACE));
    samlc_data_t data = test_data(fillings[_i].xml, "plaintext");
    samlc_result_t *res = samlc_result_make(p);
    xmlNodePtr element = NULL;
    apr_status_t rv = samlc_xml_fill(&element, place, &data, &SAMLC_XML_MESSAGE, res);

    if (fillings[_i].ns == NULL) {
        ck_assert_msg(rv != APR_SUCCESS && element == NULL, "%s", fillings[_i].xml);
        ck_assert_int_eq(res->reason, SAMLC_REASON_MALFORMED);
    }
    else {
        ck_assert_msg(rv == APR_SUCCESS, "%s: %s", fillings[_i].xml, res->message);
        ck_assert(samlc_xml_is(element, fillings[_i].ns, "n"));
        ck_assert_ptr_eq(element, place->children);
        ck_assert_ptr_null(element->next);
    }
}
END_TEST

START_TEST(test_fill_limits)
{
    xmlNodePtr place = samlc_xml_first(parse(PLACE));
    samlc_data_t data = test_data("<n><m/><m/><m/><m/></n>", "plaintext");
    samlc_result_t *res = samlc_result_make(p);
    xmlNodePtr element = NULL;

    ck_assert(samlc_xml_fill(&element, place, &data, &small, res) != APR_SUCCESS);
    ck_assert_int_eq(res->reason, SAMLC_REASON_TOO_LARGE);
    ck_assert_ptr_null(element);
}
END_TEST

/* --- reading -------------------------------------------------------------------------------- */

static const struct {
    const char *xml;
    const char *text;
} texts[] = {
    { "<a>text</a>", "text" },
    { "<a/>", "" },
    { "<a> x\n\ty </a>", " x\n\ty " },
    { "<a>one<!-- -->two</a>", "onetwo" },
    { "<a><!-- -->one</a>", "one" },
    { "<a>one<![CDATA[<two>]]>three</a>", "one<two>three" },
    { "<a>&#97;&lt;&amp;</a>", "a<&" },
    { "<a>one<?pi?>two</a>", NULL },
    { "<a>one<b/>two</a>", NULL },
    { "<a><b>one</b></a>", NULL },
};

START_TEST(test_text)
{
    const char *text = samlc_xml_text(parse(texts[_i].xml), p);

    ck_assert_pstr_eq(text, texts[_i].text);
    ck_assert_ptr_null(samlc_xml_text(NULL, p));
}
END_TEST

/* An attribute with a namespace is another one, whichever comes first. */
START_TEST(test_attributes)
{
    xmlNodePtr a = parse("<a xmlns:x='urn:x' x:ID='evil' ID='g&#111;od' x:only='evil' e=''/>");

    ck_assert_pstr_eq(samlc_xml_attr(a, "ID", p), "good");
    ck_assert_pstr_eq(samlc_xml_attr(a, "e", p), "");
    ck_assert_ptr_null(samlc_xml_attr(a, "only", p));
    ck_assert_ptr_null(samlc_xml_attr(a, "id", p));
}
END_TEST

START_TEST(test_children)
{
    xmlNodePtr a = parse(
        "<a xmlns='urn:a' xmlns:x='urn:x'>t<x:b/><!--c--><b n='1'><b n='no'/></b>t<b n='2'/></a>");
    xmlNodePtr b = NULL;
    int count = -1;

    b = samlc_xml_child(a, "urn:a", "b", &count);
    ck_assert_int_eq(count, 2);
    ck_assert_pstr_eq(samlc_xml_attr(b, "n", p), "1");
    ck_assert(samlc_xml_is(samlc_xml_first(a), "urn:x", "b"));
    ck_assert_ptr_eq(samlc_xml_next(samlc_xml_first(a)), b);
    ck_assert_ptr_null(samlc_xml_next(samlc_xml_next(b)));
    ck_assert_ptr_null(samlc_xml_child(a, "urn:a", "c", &count));
    ck_assert_int_eq(count, 0);
    ck_assert_ptr_null(samlc_xml_child(NULL, "urn:a", "b", NULL));
    ck_assert_ptr_null(samlc_xml_first(NULL));
    ck_assert_ptr_null(samlc_xml_next(NULL));
}
END_TEST

static const struct {
    const char *xml;
    int is_it;
} names[] = {
    { "<a xmlns='urn:a'/>", 1 },   { "<x:a xmlns:x='urn:a'/>", 1 }, { "<a/>", 0 },
    { "<A xmlns='urn:a'/>", 0 },   { "<a xmlns='urn:A'/>", 0 },     { "<ab xmlns='urn:a'/>", 0 },
    { "<a xmlns='urn:a:'/>", 0 },
};

START_TEST(test_is)
{
    ck_assert_int_eq(samlc_xml_is(parse(names[_i].xml), "urn:a", "a"), names[_i].is_it);
    ck_assert_int_eq(samlc_xml_is(NULL, "urn:a", "a"), 0);
}
END_TEST

START_TEST(test_ncname)
{
    static const char *const yes[] = { "a", "_", "_1", "a-b.c", "\xC3\xA4" };
    static const char *const no[] = {
        "", "1a", "-a", "a:b", "a b", " a", "a\n", "'a'", "a#", "a)"
    };
    int i = 0;

    for (i = 0; i < COUNT(yes); i++) {
        ck_assert_msg(samlc_xml_is_ncname(yes[i]), "%s", yes[i]);
    }
    for (i = 0; i < COUNT(no); i++) {
        ck_assert_msg(!samlc_xml_is_ncname(no[i]), "%s", no[i]);
    }
    ck_assert(!samlc_xml_is_ncname(NULL));
}
END_TEST

static const struct {
    const char *content;
    int fits;
} models[] = {
    { "<b/>", 1 },
    { "<a/><b/>", 1 },
    { "<a/><a/><b/>", 1 },
    { "<b/><c/>", 1 },
    { "<b/><d/>", 1 },
    { " <!--c--> <b/> ", 1 },
    { "<b/><x:e/><e/>", 1 },
    { "", 0 },
    { "<a/>", 0 },
    { "<a/><a/><a/><b/>", 0 },
    { "<b/><a/>", 0 },
    { "<b/><b/>", 0 },
    { "<b/><c/><d/>", 0 },
    { "<x:b/>", 0 },
    { "<b/><f/>", 0 },
    { "<b/><c/><x:e/><f/>", 0 },
    { "text<b/>", 0 },
    { "<b/>text", 0 },
    { "<![CDATA[x]]><b/>", 0 },
    { "<?pi?><b/><?pi?>", 1 },
    { "<b/><cd/>", 0 },
    { "<bb/>", 0 },
};

START_TEST(test_model)
{
    static const samlc_xml_model_t model[] = {
        { "urn:a", "a", 0, 2 },   { "urn:a", "b", 1, 1 }, { "urn:a", "c|d", 0, 1 },
        { "urn:x", "e", 0, 1 },   { "urn:a", "e", 0, SAMLC_XML_MANY }, { NULL, NULL, 0, 0 }
    };
    xmlNodePtr root = parse(apr_pstrcat(p, "<r xmlns='urn:a' xmlns:x='urn:x'>", models[_i].content,
                                        "</r>", NULL));
    samlc_result_t *res = samlc_result_make(p);
    apr_status_t rv = samlc_xml_check_children(root, model, res);

    ck_assert_msg((rv == APR_SUCCESS) == models[_i].fits, "%s", models[_i].content);
    ck_assert_int_eq(res->reason, models[_i].fits ? SAMLC_REASON_OK : SAMLC_REASON_MALFORMED);
}
END_TEST

Suite *suite_xml(void)
{
    Suite *suite = suite_create("xml");
    TCase *tc = tcase_create("xml");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_good, 0, COUNT(good));
    tcase_add_loop_test(tc, test_bad, 0, COUNT(bad));
    tcase_add_loop_test(tc, test_utf16, 0, 2);
    tcase_add_test(tc, test_nul_byte);
    tcase_add_loop_test(tc, test_limits, 0, COUNT(sizes));
    tcase_add_loop_test(tc, test_message_limits, 0, COUNT(floods));
    tcase_add_test(tc, test_attribute_limit);
    tcase_add_test(tc, test_depth_limit);
    tcase_add_loop_test(tc, test_fill, 0, COUNT(fillings));
    tcase_add_test(tc, test_fill_limits);
    tcase_add_loop_test(tc, test_text, 0, COUNT(texts));
    tcase_add_test(tc, test_attributes);
    tcase_add_test(tc, test_children);
    tcase_add_loop_test(tc, test_is, 0, COUNT(names));
    tcase_add_test(tc, test_ncname);
    tcase_add_loop_test(tc, test_model, 0, COUNT(models));
    suite_add_tcase(suite, tc);
    return suite;
}
