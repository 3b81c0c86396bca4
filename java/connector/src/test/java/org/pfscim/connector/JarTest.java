package org.pfscim.connector;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import com.pingidentity.provisioner.saas.SaasProvisionerPlugin;
import com.pingidentity.templates.connection.ConnectionTemplate;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.Test;

/** Tests the jar that is shipped. It is on one class path with the server and all other plugins. */
public class JarTest {

    /** The classes on that class path in all releases of PingFederate that the jar supports. */
    private static final Pattern ALLOWED = Pattern.compile("java/.*|javax/net/ssl/.*|org/pfscim/connector/.*"
        + "|com/pingidentity/provisioner/(sdk|saas|mapping)/.*|org/sourceid/saml20/adapter/(conf|gui)/.*"
        + "|org/apache/commons/logging/Log(Factory)?");

    private static final Pattern IN_DESCRIPTOR = Pattern.compile("L([\\w/$]+);");

    @Test
    public void every_class_runs_on_java_8_and_uses_no_third_party_class() throws IOException {
        try (JarFile jar = jar()) {
            int classes = 0;
            for (JarEntry entry : Collections.list(jar.entries())) {
                if (entry.getName().endsWith(".class")) {
                    classes++;
                    assertTrue(entry.getName(), entry.getName().startsWith("org/pfscim/connector/"));
                    try (DataInputStream in = new DataInputStream(jar.getInputStream(entry))) {
                        assertEquals(0xcafebabe, in.readInt());
                        in.readUnsignedShort();
                        assertEquals(entry.getName(), 52, in.readUnsignedShort());
                        for (String type : types(in)) {
                            assertTrue(entry.getName() + " refers to " + type, ALLOWED.matcher(type).matches());
                        }
                    }
                }
            }
            assertTrue(classes > 5);
        }
    }

    @Test
    public void each_descriptor_file_names_a_class_that_can_be_instantiated() throws Exception {
        check("PF-INF/saas-provisioning-plugin-descriptor", SaasProvisionerPlugin.class);
        check("PF-INF/sp-connection-template-descriptor", ConnectionTemplate.class);
    }

    @Test
    public void the_jar_contains_no_build_path_and_no_build_time() throws IOException {
        Set<Long> times = new TreeSet<>();
        try (JarFile jar = jar()) {
            for (JarEntry entry : Collections.list(jar.entries())) {
                times.add(entry.getTime());
                // This library was built with the test profile. platformCheck checks the libraries of a release.
                if (entry.getName().startsWith("org/pfscim/connector/native/")) {
                    continue;
                }
                String content = new String(bytes(jar, entry), StandardCharsets.ISO_8859_1);
                for (String place : System.getProperty("org.pfscim.test.places").split(File.pathSeparator)) {
                    assertFalse(entry.getName() + " contains " + place, content.contains(place));
                }
            }
        }
        assertEquals("all entries have the same time", 1, times.size());
    }

    private static byte[] bytes(JarFile jar, JarEntry entry) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] buffer = new byte[65536];
        try (InputStream in = jar.getInputStream(entry)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                bytes.write(buffer, 0, n);
            }
        }
        return bytes.toByteArray();
    }

    private static void check(String descriptor, Class<?> type) throws Exception {
        try (JarFile jar = jar()) {
            assertNotNull(descriptor, jar.getEntry(descriptor));
            try (InputStream in = jar.getInputStream(jar.getEntry(descriptor))) {
                List<String> names = new BufferedReader(new InputStreamReader(in, "US-ASCII")).lines()
                    .collect(Collectors.toList());
                assertFalse(names.isEmpty());
                for (String name : names) {
                    assertTrue(name, type.isInstance(Class.forName(name).getConstructor().newInstance()));
                }
            }
        }
    }

    private static JarFile jar() throws IOException {
        return new JarFile(System.getProperty("org.pfscim.test.jar"));
    }

    /** Returns the class names in a constant pool (JVM specification 4.4), from class entries and descriptors. */
    private static Set<String> types(DataInputStream in) throws IOException {
        int count = in.readUnsignedShort();
        String[] texts = new String[count];
        Set<Integer> classes = new TreeSet<>();
        for (int i = 1; i < count; i++) {
            int tag = in.readUnsignedByte();
            switch (tag) {
                case 1: texts[i] = in.readUTF(); break;
                case 7: classes.add(in.readUnsignedShort()); break;
                case 8: case 16: in.readUnsignedShort(); break;
                case 3: case 4: case 9: case 10: case 11: case 12: case 18: in.readInt(); break;
                case 5: case 6: in.readLong(); i++; break;
                case 15: in.readUnsignedByte(); in.readUnsignedShort(); break;
                default: throw new IOException("constant pool tag " + tag);
            }
        }
        Set<String> types = new TreeSet<>();
        for (int i = 1; i < count; i++) {
            if (texts[i] != null && classes.contains(i) && !texts[i].startsWith("[")) {
                types.add(texts[i]);
            } else if (texts[i] != null && texts[i].matches("\\[*L[\\w/$]+;|\\(\\S*\\)\\S+")) {
                Matcher matcher = IN_DESCRIPTOR.matcher(texts[i]);
                while (matcher.find()) {
                    types.add(matcher.group(1));
                }
            }
        }
        return types;
    }
}
