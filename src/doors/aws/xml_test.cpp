#include "doors/aws/xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tarn::aws {
namespace {

using testing::HasSubstr;

TEST(XmlWriter, ClosesWhatIsOpenAndEscapes) {
  XmlWriter out;
  out.open("List", kS3Namespace)
      .text("Key", "a<b>&\"c\"")
      .number("Size", -5)
      .flag("More", true)
      .open("Inner");
  EXPECT_EQ(
      out.take(),
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<List xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<Key>a&lt;b&gt;&amp;&quot;c&quot;</Key><Size>-5</Size><More>true</More><Inner></Inner></List>");
}

TEST(XmlWriter, WritesWhatXmlCantHaveAsReferences) {
  EXPECT_THAT(XmlWriter().text("K", std::string_view("\x01\r\n\t\0z", 6)).take(),
              HasSubstr("<K>&#x1;&#xd;\n\t&#x0;z</K>"));
  EXPECT_THAT(XmlWriter().words("K", std::string_view("a\x01\n\0", 4)).take(),
              HasSubstr("<K>a\xEF\xBF\xBD\n\xEF\xBF\xBD</K>"));
  EXPECT_THAT(XmlWriter().text("K", "\xEF\xBF\xBE").take(), HasSubstr("<K>&#xfffe;</K>"));
}

TEST(XmlWriter, StaysUtf8WhateverItIsGiven) {
  EXPECT_THAT(XmlWriter().text("K", "gr\xC3\xBC\xC3").take(), HasSubstr("<K>gr\xC3\xBC\xEF\xBF\xBD</K>"));
  EXPECT_THAT(XmlWriter().text("K", "\xFF\x61").take(), HasSubstr("<K>\xEF\xBF\xBD\x61</K>"));
}

TEST(Xml, ReadsElementsTextsAndAttributes) {
  auto node = parse_xml(
      "\xEF\xBB\xBF<?xml version='1.0'?><s3:Delete xmlns:s3='x' a='1'>\n "
      "<Object><Key>a&amp;b&#x41;<![CDATA[<&>]]></Key>"
      "</Object> <!-- &nothing; --> <Object><Key> </Key></Object><s3:Quiet>true</s3:Quiet></s3:Delete>",
      "Delete");
  ASSERT_TRUE(node) << node.error().message;
  ASSERT_EQ(node->all("Object").size(), 2u);
  EXPECT_EQ(node->all("Object")[0]->value("Key"), "a&bA<&>");
  EXPECT_EQ(node->all("Object")[1]->value("Key"), " ");
  EXPECT_EQ(node->value("Quiet"), "true");
  EXPECT_EQ(node->child("Nothing"), nullptr);
  EXPECT_EQ(node->value("Nothing"), "");
  ASSERT_EQ(node->attributes.size(), 1u);
  EXPECT_EQ(node->attributes[0].first, "a");
}

TEST(Xml, RefusesWhatIsNotWellFormed) {
  for (const char* text : {"",
                           " ",
                           "text",
                           "<a>",
                           "<a></b>",
                           "<a/><b/>",
                           "<a b=1/>",
                           "<a>&b;</a>",
                           "<a>&</a>",
                           "<a>&#0;</a>",
                           "<a>&#xD800;</a>",
                           "<a>&#x110000;</a>",
                           "<a>&#99999999999;</a>",
                           "<a>\xFF</a>",
                           "<a><![CDATA[",
                           "<!-- <a/>",
                           "x<a/>",
                           "<a/>x",
                           "<a>\x1d</a>",
                           "<?xml version='1.0'?>"}) {
    auto node = parse_xml(text, "");
    ASSERT_FALSE(node) << text;
    EXPECT_EQ(node.error().code, Code::kInvalid) << text;
  }
  EXPECT_FALSE(parse_xml(std::string_view("<a>\0</a>", 8), ""));
  EXPECT_THAT(parse_xml("<Other/>", "Delete").error().message, HasSubstr("expected Delete"));
}

TEST(Xml, TakesElementsOrTextButNotBoth) {
  EXPECT_THAT(parse_xml("<a>x<b/></a>", "").error().message, HasSubstr("a has text beside its elements"));
  EXPECT_FALSE(parse_xml("<a><b/><![CDATA[x]]></a>", ""));
  auto laid_out = parse_xml("<a>\n  <b/>\n</a>", "");
  ASSERT_TRUE(laid_out);
  EXPECT_EQ(laid_out->text, "");
}

TEST(Xml, TakesNoDocumentTypesAndNoEntitiesOfItsOwn) {
  const char* bomb =
      "<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol2 "
      "'&lol;&lol;&lol;&lol;'>]><lolz>&lol2;</lolz>";
  EXPECT_THAT(parse_xml(bomb, "").error().message, HasSubstr("not well-formed"));
  EXPECT_FALSE(parse_xml("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", ""));
  EXPECT_FALSE(parse_xml("<!DOCTYPE a><a/>", ""));
}

TEST(Xml, IsBoundedInDepthSizeAndNumber) {
  auto nested = [](size_t depth) {
    std::string text;
    for (size_t i = 0; i < depth; i++) text += "<a>";
    for (size_t i = 0; i < depth; i++) text += "</a>";
    return text;
  };
  EXPECT_TRUE(parse_xml(nested(kXmlDepthMax), ""));
  EXPECT_THAT(parse_xml(nested(kXmlDepthMax + 1), "").error().message, HasSubstr("deeper"));
  EXPECT_FALSE(parse_xml(nested(100'000), ""));
  std::string wide = "<a>";
  for (size_t i = 0; i < kXmlElementsMax; i++) wide += "<b/>";
  EXPECT_THAT(parse_xml(wide + "</a>", "").error().message, HasSubstr("elements"));
  EXPECT_THAT(parse_xml("<a>" + std::string(kXmlBytesMax, 'x') + "</a>", "").error().message,
              HasSubstr("bytes"));
}

}  // namespace
}  // namespace tarn::aws
