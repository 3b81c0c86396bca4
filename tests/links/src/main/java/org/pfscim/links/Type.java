package org.pfscim.links;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.FieldVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/** A class or interface with its members. Names are internal names ({@code java/lang/Object}). */
final class Type {
    final String name;
    final List<String> parents = new ArrayList<>();
    /** {@code name descriptor} to the access flags of the class file. */
    final Map<String, Integer> members = new HashMap<>();
    int flags;

    Type(String name, int flags) {
        this.name = name;
        this.flags = flags;
    }

    static String key(String member, String descriptor) {
        return member + " " + descriptor;
    }

    static Type read(ClassReader reader) {
        Type type = new Type(reader.getClassName(), reader.getAccess());
        if (reader.getSuperName() != null) {
            type.parents.add(reader.getSuperName());
        }
        for (String parent : reader.getInterfaces()) {
            type.parents.add(parent);
        }
        reader.accept(new ClassVisitor(Opcodes.ASM9) {
            @Override
            public MethodVisitor visitMethod(int flags, String name, String descriptor, String generic, String[] thrown) {
                type.members.put(key(name, descriptor), flags);
                return null;
            }

            @Override
            public FieldVisitor visitField(int flags, String name, String descriptor, String generic, Object value) {
                type.members.put(key(name, descriptor), flags);
                return null;
            }
        }, ClassReader.SKIP_CODE | ClassReader.SKIP_DEBUG | ClassReader.SKIP_FRAMES);
        return type;
    }

    boolean hasFlag(int flag) {
        return (flags & flag) != 0;
    }
}
