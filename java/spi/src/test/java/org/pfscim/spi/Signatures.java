package org.pfscim.spi;

import java.io.IOException;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Reads types with their public and protected members in a comparable form. The source is the list of the real signatures,
 * or the declared classes.
 */
final class Signatures {
    /** Type name to its kind and direct supertypes. */
    final Map<String, String> types = new TreeMap<>();

    /** {@code type.member descriptor} to its flags: {@code abstract}, {@code static} or nothing. */
    final Map<String, String> members = new TreeMap<>();

    private Signatures() {
    }

    /** Reads the list: tab-separated rows T type kind supertypes, M and F type member descriptor flags. */
    static Signatures ofList(Path list) throws IOException {
        Signatures listed = new Signatures();
        for (String line : Files.readAllLines(list, StandardCharsets.UTF_8)) {
            String[] row = line.split("\t", -1);
            if (row[0].equals("T")) {
                listed.types.put(row[1], kindAndSupertypes(row[2], new TreeSet<>(Arrays.asList(row[3].split(" ")))));
            } else if (row[0].equals("M") || row[0].equals("F")) {
                listed.members.put(key(row[1], row[2], row[3]), row[4]);
            } else if (!line.startsWith("#")) {
                throw new IOException("a row has an unknown kind: " + line);
            }
        }
        return listed;
    }

    /** Reads classes with the members that other classes can use. */
    static Signatures ofClasses(Iterable<Class<?>> classes) {
        Signatures declared = new Signatures();
        for (Class<?> type : classes) {
            declared.add(type);
        }
        return declared;
    }

    static boolean isVisible(int modifiers) {
        return (modifiers & (Modifier.PUBLIC | Modifier.PROTECTED)) != 0;
    }

    private void add(Class<?> type) {
        String kind = (Modifier.isAbstract(type.getModifiers()) ? "abstract " : "")
            + (type.isInterface() ? "interface" : "class");
        TreeSet<String> supertypes = new TreeSet<>();
        Class<?> parent = type.getSuperclass();
        supertypes.add(parent == null || parent == Object.class ? "" : parent.getName());
        for (Class<?> implemented : type.getInterfaces()) {
            supertypes.add(implemented.getName());
        }
        types.put(type.getName(), kindAndSupertypes(kind, supertypes));
        for (Constructor<?> member : type.getDeclaredConstructors()) {
            add(type, member, "<init>", parameters(member.getParameterTypes()) + "V");
        }
        for (Method member : type.getDeclaredMethods()) {
            add(type, member, member.getName(),
                parameters(member.getParameterTypes()) + descriptor(member.getReturnType()));
        }
        for (Field member : type.getDeclaredFields()) {
            add(type, member, member.getName(), descriptor(member.getType()));
        }
    }

    private void add(Class<?> type, Member member, String name, String descriptor) {
        int modifiers = member.getModifiers();
        if (isVisible(modifiers) && !member.isSynthetic()) {
            String flags = Modifier.isAbstract(modifiers) ? "abstract" : Modifier.isStatic(modifiers) ? "static" : "";
            members.put(key(type.getName(), name, descriptor), flags);
        }
    }

    private static String kindAndSupertypes(String kind, TreeSet<String> supertypes) {
        supertypes.remove("");
        return kind + " " + supertypes;
    }

    private static String key(String type, String member, String descriptor) {
        return type + "." + member + " " + descriptor;
    }

    private static String parameters(Class<?>[] types) {
        StringBuilder text = new StringBuilder("(");
        for (Class<?> type : types) {
            text.append(descriptor(type));
        }
        return text.append(')').toString();
    }

    private static String descriptor(Class<?> type) {
        // The name of an array class is its descriptor with dots. The rest after "[" is the descriptor of the element.
        return type == void.class
            ? "V"
            : Array.newInstance(type, 0).getClass().getName().substring(1).replace('.', '/');
    }
}
